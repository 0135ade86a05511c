// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/cmd/zlayer/internal/progress"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// The exit codes of every command.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitSource      = 3
	exitStep        = 4
	exitPlugin      = 5
	exitImage       = 6
	exitUnsupported = 7
	exitInput       = 8
	exitConformance = 9
	exitAbsent      = 10
	exitRefused     = 11
	exitUnreachable = 12
	exitDrift       = 13
	exitInterrupted = 130
)

// exitCodes is the documentation of the codes.
const exitCodes = `Every command ends with one of these codes:

  0    all went well
  1    zlayer itself failed
  2    wrong flags, arguments or settings
  3    the build file has errors; for check, findings that reach --severity
  4    a step of the build failed
  5    a plugin is broken or of another version
  6    an image could not be found, fetched or pushed
  7    no backend can build what was asked
  8    an input cannot be used: a context, a file, a secret, a name, an output
  9    a plugin does not conform
  10   a plugin, or a version of it, is not found
  11   a plugin is refused by policy, or was not accepted
  12   the source of a plugin cannot be reached, or refuses access
  13   plugins differ from zlayer.lock
  130  interrupted`

// newExitCodesTopic returns the help topic "exit-codes".
func newExitCodesTopic() *cobra.Command {
	return &cobra.Command{Use: "exit-codes", Short: "The exit codes of every command", Long: exitCodes}
}

// usageError is a mistake on the command line or in the settings.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a usageError.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// reported ends a command, with this code, whose findings are already on the
// screen.
type reported int

// Error says so.
func (r reported) Error() string { return "findings were reported" }

// exitCode returns the code that a command ends with.
func exitCode(ctx context.Context, err error) int {
	var (
		done        reported
		usage       *usageError
		input       *host.InputError
		unsupported *host.UnsupportedError
		source      *host.SourceError
		step        *host.StepError
		plugin      *host.PluginError
		image       *host.ImageError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &done):
		return int(done)
	case errors.As(err, &source):
		return exitSource
	case interrupted(ctx, err):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &unsupported):
		return exitUnsupported
	case errors.As(err, &step):
		return exitStep
	case errors.As(err, &plugin):
		return faultCode(plugin.Fault)
	case errors.As(err, &image):
		return exitImage
	case errors.As(err, &input):
		return exitInput
	}
	return exitInternal
}

// faultCode returns the code for what is the matter with a plugin.
func faultCode(f host.Fault) int {
	switch f {
	case host.Absent:
		return exitAbsent
	case host.Refused:
		return exitRefused
	case host.Unreachable:
		return exitUnreachable
	case host.Drifted:
		return exitDrift
	}
	return exitPlugin
}

// interrupted says whether a command ended because the user wanted it to.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// report shows an error to people.
func (a *app) report(ctx context.Context, err error) {
	w := a.Stderr
	var part *host.PlatformError
	if errors.As(err, &part) && !interrupted(ctx, err) {
		fmt.Fprintf(w, "zlayer: for %s:\n", part.Platform)
		err = part.Err
	}
	var (
		done   reported
		step   *host.StepError
		plugin *host.PluginError
	)
	files, findings := findingsOf(err)
	switch {
	case err == nil, errors.As(err, &done):
	case interrupted(ctx, err):
		fmt.Fprintln(w, "zlayer: interrupted")
	case errors.As(err, &step):
		reportStep(w, step)
	case len(findings) > 0:
		_ = diag.Print(w, files, findings)
	case errors.As(err, &plugin):
		say(w, err, plugin.Help)
		a.lastWords(plugin)
	default:
		say(w, err, helpOf(err))
	}
}

// findingsOf returns what an error says about places of files.
func findingsOf(err error) ([]diag.File, []*diagv1.Diagnostic) {
	var (
		unsupported *host.UnsupportedError
		source      *host.SourceError
		step        *host.StepError
		image       *host.ImageError
	)
	switch {
	case errors.As(err, &unsupported):
		return unsupported.Files, unsupported.Diagnostics
	case errors.As(err, &source):
		return source.Files, source.Diagnostics
	case errors.As(err, &step):
		return step.Files, step.Findings
	case errors.As(err, &image) && image.Diagnostic != nil:
		return image.Files, []*diagv1.Diagnostic{image.Diagnostic}
	}
	return nil, nil
}

// helpOf returns what an error says to do, or "".
func helpOf(err error) string {
	var (
		input  *host.InputError
		step   *host.StepError
		plugin *host.PluginError
		image  *host.ImageError
	)
	switch {
	case errors.As(err, &step):
		return step.Help
	case errors.As(err, &plugin):
		return plugin.Help
	case errors.As(err, &image):
		return image.Help
	case errors.As(err, &input):
		return input.Help
	}
	return ""
}

// say writes an error and what to do about it.
func say(w io.Writer, err error, help string) {
	fmt.Fprintf(w, "zlayer: %s\n", progress.Visible(err.Error()))
	if help != "" {
		fmt.Fprintf(w, "zlayer: hint: %s\n", help)
	}
}

// lastWords shows what a plugin wrote. The stacks of one that crashed are for its
// author.
func (a *app) lastWords(e *host.PluginError) {
	if a.host == nil {
		return // no plugin without a host
	}
	words, path := a.host.Crash(e)
	tail(a.Stderr, "the plugin wrote", words)
	if path != "" {
		fmt.Fprintf(a.Stderr, "zlayer: hint: %s holds all that it wrote, for its author\n", path)
	}
}

// reportStep writes the end of the failing step's output, its findings and
// what happened. A finding has the hint with it.
func reportStep(w io.Writer, e *host.StepError) {
	tail(w, fmt.Sprintf("[%s %d] %s", e.Stage, e.Step, firstLine(e.Text)), e.Output)
	_ = diag.Print(w, e.Files, e.Findings)
	help := e.Help
	if len(e.Findings) > 0 {
		help = ""
	}
	say(w, e, help)
}

// tailLines is how much of a step's output is shown again when it failed.
const tailLines = 20

// tail writes the last lines of a text under a title.
func tail(w io.Writer, title, text string) {
	text = strings.TrimRight(text, "\n")
	if text == "" {
		return
	}
	lines := strings.Split(text, "\n")
	if cut := len(lines) - tailLines; cut > 0 {
		lines = lines[cut:]
	}
	fmt.Fprintf(w, "---- %s\n%s\n----\n", progress.Visible(title), progress.Visible(strings.Join(lines, "\n")))
}

// firstLine returns a text up to its first line end.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
