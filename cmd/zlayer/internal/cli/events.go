// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
)

// finish tells how a command ended and returns its exit code.
func (a *app) finish(ctx context.Context, err error) int {
	if a.events == nil {
		a.report(ctx, err)
	} else {
		for _, e := range errorEvents(ctx, err) {
			a.events.Event(e)
		}
	}
	return exitCode(ctx, err)
}

// shower returns who shows the events of a command. With JSON events, stderr
// holds nothing else, so how the command ends is an event too.
func (a *app) shower(mode string) progress.Shower {
	s := progress.New(a.Stderr, mode)
	if mode == "json" {
		a.events = s
	}
	a.quiet = mode == "quiet"
	return s
}

// warn says something that does not stop a command.
func (a *app) warn(text string) {
	switch {
	case a.events != nil:
		a.events.Event(host.Event{Type: host.EventDiagnostic, Diagnostic: diag.Warning(nil, "plugins", text)})
	case !a.quiet:
		fmt.Fprintf(a.Stderr, "zlayer: warning: %s\n", progress.Visible(text))
	}
}

// errorEvents says as events what report says as text.
func errorEvents(ctx context.Context, err error) []host.Event {
	if err == nil {
		return nil
	}
	platform := ""
	var part *host.PlatformError
	if errors.As(err, &part) {
		platform = part.Platform
	}
	var events []host.Event
	files, findings := findingsOf(err)
	for _, d := range findings {
		e := host.Event{Type: host.EventDiagnostic, Platform: platform, Diagnostic: d}
		if i := int(d.GetRange().GetFile()); i < len(files) {
			e.File = files[i].Name
		}
		events = append(events, e)
	}
	last := host.Event{Type: host.EventError, Platform: platform, Message: err.Error(), Help: helpOf(err)}
	var step *host.StepError
	switch {
	case interrupted(ctx, err):
		last.Message = "interrupted"
	case errors.As(err, &step):
		last.Stage, last.Step, last.ExitCode = step.Stage, step.Step, step.ExitCode
	}
	return append(events, last)
}
