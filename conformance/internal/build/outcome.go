// SPDX-License-Identifier: Apache-2.0

package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/image"
	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Outcome is what a build came to: an image or a failure.
type Outcome struct {
	// Image is the image, and when the last round was built. Its Image is nil
	// when the build failed.
	Image image.Built
	// Failure says how it failed. Nil when it did not. Besides those that
	// vectors expect there are the classes "machine", "internal" and "died".
	Failure *vectors.Failure
	// Message is what the failure says.
	Message string
	// Code is that of the first finding of a failure. May be empty.
	Code string
	// Output is the tail of what the step, or the plugin, wrote before it.
	Output string
	// Took is the time of all rounds.
	Took time.Duration
}

// Build builds a vector, in all its rounds, by a request of its own. The image
// passes through a folder beside the vector's. An error is one of the machinery
// around the build.
func (l *Laid) Build(ctx context.Context, h *host.Host, r host.Request, reader *image.Reader) (*Outcome, error) {
	layout, err := os.MkdirTemp(filepath.Dir(l.dir), l.Name+"-layout-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(layout)
	r.Outputs = append(r.Outputs, host.Output{Type: host.OutputOCILayout, Path: layout})
	out := &Outcome{}
	for round := range l.Rounds {
		if err := l.change(round + 1); err != nil {
			return nil, err
		}
		r.Args = l.round(round + 1)
		out.Image.Began = time.Now()
		_, err = h.Build(ctx, r)
		out.Image.Ended = time.Now()
		out.Took += out.Image.Ended.Sub(out.Image.Began)
		if err != nil && round+1 < l.Rounds {
			return nil, fmt.Errorf("round %d: %w", round+1, err)
		}
	}
	if err != nil {
		return out, out.fail(err)
	}
	out.Image.Image, err = reader.Layout(layout)
	return out, err
}

// round returns the arguments of a round.
func (l *Laid) round(n int) []host.Arg {
	return append(l.args[:len(l.args):len(l.args)], host.Arg{Name: "ROUND", Value: strconv.Itoa(n)})
}

// fail classifies an error of the host.
func (o *Outcome) fail(err error) error {
	var (
		source      *host.SourceError
		unsupported *host.UnsupportedError
		step        *host.StepError
		broken      *host.PluginError
	)
	o.Message = err.Error()
	switch {
	case errors.As(err, &unsupported):
		o.found("unsupported", unsupported.Diagnostics)
	case errors.As(err, &source):
		o.found("source", source.Diagnostics)
	case errors.As(err, &step):
		o.found("source", step.Findings)
		o.Failure.Exit, o.Output = step.ExitCode, step.Output
		if step.Machine {
			o.Failure.Class = "machine"
		}
	case errors.As(err, &broken):
		o.Failure, o.Output = &vectors.Failure{Class: "internal"}, broken.Stderr
		if broken.Died {
			o.Failure.Class = "died"
		}
	default:
		return err
	}
	return nil
}

// found makes the first error of a list the failure.
func (o *Outcome) found(class string, list []*diagv1.Diagnostic) {
	o.Failure = &vectors.Failure{Class: class}
	for _, d := range list {
		if d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
			o.Failure.Line, o.Code = int(d.GetRange().GetLine()), d.GetCode()
			return
		}
	}
}

// Meets reports whether a build ended as wanted. A wanted line 0 is any line.
func (o *Outcome) Meets(want *vectors.Failure) bool {
	got := o.Failure
	if got == nil || want == nil {
		return got == want
	}
	return got.Class == want.Class && got.Exit == want.Exit && (want.Line == 0 || got.Line == want.Line)
}

// Describe writes the image as @want of a vector has it.
func (o *Outcome) Describe(base *image.Image, s *serve.Servers) string {
	return strings.NewReplacer(s.Base, "$BASE", s.Files, "$FILES").Replace(o.Image.Describe(base))
}

// Ending writes how a build ends, or has to, as the header "expect" has it.
func Ending(f *vectors.Failure) string {
	if f == nil {
		return "ok"
	}
	text := f.Class
	if f.Line != 0 {
		text += fmt.Sprintf(" line %d", f.Line)
	}
	if f.Exit != 0 {
		text += fmt.Sprintf(" exit %d", f.Exit)
	}
	return text
}
