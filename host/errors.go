// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// SourceError says that the user's build file is wrong.
type SourceError struct {
	// Files are the files that the diagnostics' ranges point into.
	Files []diag.File
	// Diagnostics are all findings; at least one is an error.
	Diagnostics []*diagv1.Diagnostic
}

// Error returns the first error as one line.
func (e *SourceError) Error() string {
	for _, d := range e.Diagnostics {
		if d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR {
			return diag.Line(e.fileName(d), d)
		}
	}
	return "the build file has errors"
}

func (e *SourceError) fileName(d *diagv1.Diagnostic) string {
	if i := int(d.GetRange().GetFile()); i < len(e.Files) {
		return e.Files[i].Name
	}
	return ""
}

// InputError says that something the user named cannot be used: a context, a
// build file, a secret, an option.
type InputError struct {
	// Message is one sentence: what is wrong with which input.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Err is the cause. May be nil.
	Err error
}

// Error returns message and cause.
func (e *InputError) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// UnsupportedError says that no backend can build what was asked.
type UnsupportedError struct {
	SourceError
}

// PlatformError says for which of several platforms a build failed.
type PlatformError struct {
	// Platform is "os/arch[/variant]".
	Platform string
	// Err is what happened there.
	Err error
}

// Error returns the platform and what happened.
func (e *PlatformError) Error() string { return e.Platform + ": " + e.Err.Error() }

// Unwrap returns what happened.
func (e *PlatformError) Unwrap() error { return e.Err }

// StepError says that a step of a build failed.
type StepError struct {
	// Stage is the name of the stage.
	Stage string
	// Step is the number of the step in its stage, from 1.
	Step int
	// Text is the step's text.
	Text string
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// ExitCode is that of the command; 0 when none failed.
	ExitCode int
	// Machine says that the machine lacks something, and the source is not to
	// blame.
	Machine bool
	// Output is the tail of what the step wrote.
	Output string
	// Files are the files that the findings' ranges point into.
	Files []diag.File
	// Findings are what is wrong, place by place.
	Findings []*diagv1.Diagnostic
}

// Error returns the step and what happened.
func (e *StepError) Error() string {
	text, _, _ := strings.Cut(e.Text, "\n")
	if text == "" {
		return e.Message
	}
	return fmt.Sprintf("[%s %d] %s: %s", e.Stage, e.Step, text, e.Message)
}

// Fault says what is the matter with a plugin.
type Fault string

// The faults.
const (
	// Broken is one that cannot be used or misbehaved. It is the default.
	Broken Fault = ""
	// Absent is one that is not installed, or that a source does not have.
	Absent Fault = "absent"
	// Refused is one that a policy, or the user, did not accept.
	Refused Fault = "refused"
	// Unreachable is one whose source does not answer or refuses access.
	Unreachable Fault = "unreachable"
	// Drifted is one that is not what the project's lock file says.
	Drifted Fault = "drifted"
)

// PluginError says that a plugin is missing, broken or misbehaved.
type PluginError struct {
	// ID is the plugin. Empty where there is none yet.
	ID string
	// Fault is what is the matter.
	Fault Fault
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Died says that it ended, or broke the protocol, in the middle of a call.
	Died bool
	// Stderr is the tail of what the plugin wrote there.
	Stderr string
	// Err is the cause. May be nil.
	Err error
}

// Error returns the plugin, what happened and the cause.
func (e *PluginError) Error() string {
	text := "plugin " + e.ID + ": " + e.Message
	if e.ID == "" {
		text = e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *PluginError) Unwrap() error { return e.Err }

// ImageError says that an image could not be found, fetched or pushed.
type ImageError struct {
	// Reference is the image.
	Reference string
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Err is the cause. May be nil.
	Err error
	// Diagnostic says the same at the place of the build file that names the
	// image. Nil when none does.
	Diagnostic *diagv1.Diagnostic
	// Files are the files that the diagnostic's range points into.
	Files []diag.File
}

// Error returns the image, what happened and the cause.
func (e *ImageError) Error() string {
	text := e.Message
	if e.Reference != "" {
		text = e.Reference + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *ImageError) Unwrap() error { return e.Err }
