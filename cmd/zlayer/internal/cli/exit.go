// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

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
	exitInterrupted = 130
)

// exitCodes is the documentation of the codes.
const exitCodes = `Every command ends with one of these codes:

  0    all went well
  1    zlayer itself failed
  2    wrong flags, arguments or settings
  3    the build file has errors; for check, findings that reach --severity
  4    a step of the build failed
  5    a plugin is missing, broken or of another version
  6    an image could not be found, fetched or pushed
  7    no backend can build what was asked
  8    an input cannot be used: a context, a file, a secret
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

// errReported ends a command whose findings are already on the screen.
var errReported = errors.New("findings were reported")

// report shows an error to the user and returns the exit code.
func report(ctx context.Context, w io.Writer, err error) int {
	var (
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
	case errors.Is(err, errReported):
		return exitSource
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(w, "zlayer: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		say(w, err, "")
		return exitUsage
	case errors.As(err, &unsupported):
		_ = diag.Print(w, unsupported.Files, unsupported.Diagnostics)
		return exitUnsupported
	case errors.As(err, &source):
		_ = diag.Print(w, source.Files, source.Diagnostics)
		return exitSource
	case errors.As(err, &step):
		reportStep(w, step)
		return exitStep
	case errors.As(err, &plugin):
		say(w, err, plugin.Help)
		tail(w, "the plugin wrote", plugin.Stderr)
		return exitPlugin
	case errors.As(err, &image):
		reportImage(w, image)
		return exitImage
	case errors.As(err, &input):
		say(w, err, input.Help)
		return exitInput
	}
	say(w, err, "")
	return exitInternal
}

// say writes an error and what to do about it.
func say(w io.Writer, err error, help string) {
	fmt.Fprintf(w, "zlayer: %v\n", err)
	if help != "" {
		fmt.Fprintf(w, "zlayer: hint: %s\n", help)
	}
}

// reportStep writes the end of the failing step's output, its findings and
// what happened.
func reportStep(w io.Writer, e *host.StepError) {
	tail(w, fmt.Sprintf("[%s %d] %s", e.Stage, e.Step, firstLine(e.Text)), e.Output)
	_ = diag.Print(w, e.Files, e.Findings)
	say(w, e, e.Help)
}

// reportImage writes what is wrong with an image, at its place in the build
// file when it has one.
func reportImage(w io.Writer, e *host.ImageError) {
	if e.Diagnostic == nil {
		say(w, e, e.Help)
		return
	}
	_ = diag.Print(w, e.Files, []*diagv1.Diagnostic{e.Diagnostic})
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
	fmt.Fprintf(w, "---- %s\n%s\n----\n", title, strings.Join(lines, "\n"))
}

// firstLine returns a text up to its first line end.
func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
