// SPDX-License-Identifier: Apache-2.0

package host

import (
	"time"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// EventType says what an Event reports.
type EventType string

// The types of event. Readers ignore types they do not know.
const (
	// EventPlan says that a backend is about to build: Backend and Steps are
	// set. There is none when the result of an equal build is used.
	EventPlan EventType = "plan"
	// EventPull reports bytes of an image being fetched.
	EventPull EventType = "pull"
	// EventFetch reports bytes of a build context being fetched, and at its end
	// Digest: the commit of a repository, or that of a file.
	EventFetch EventType = "fetch"
	// EventPush reports bytes of an image being sent to a registry.
	EventPush EventType = "push"
	// EventLoad reports bytes of an archive's images being read.
	EventLoad EventType = "load"
	// EventStepStarted says that a step began.
	EventStepStarted EventType = "step-started"
	// EventOutput carries what a step wrote.
	EventOutput EventType = "output"
	// EventStepFinished says that a step ended well.
	EventStepFinished EventType = "step-finished"
	// EventStepFailed says that a step ended badly.
	EventStepFailed EventType = "step-failed"
	// EventProgress reports bytes of a transfer inside a step.
	EventProgress EventType = "progress"
	// EventDiagnostic carries a finding that does not stop the build.
	EventDiagnostic EventType = "diagnostic"
	// EventBuilt says that the image for one of several platforms is there.
	EventBuilt EventType = "built"
	// EventResult is the last event of a build that ended well.
	EventResult EventType = "result"
	// EventError is the last line of --progress=json when the command ended
	// badly: Message and Help are set. To a Go program the error is returned.
	EventError EventType = "error"
)

// Event is one thing that happens during a build. Its JSON form, one object a
// line, is what --progress=json prints, with enums by name.
type Event struct {
	// Time is when it happened.
	Time time.Time `json:"time"`
	// Type says which of the following fields are set.
	Type EventType `json:"type"`
	// Platform is "os/arch[/variant]", when a build is for several and the event
	// is about one.
	Platform string `json:"platform,omitempty"`
	// Stage is the name of the step's stage.
	Stage string `json:"stage,omitempty"`
	// Step is the number of the step in its stage, from 1.
	Step int `json:"step,omitempty"`
	// Steps is the number of steps of the stage, or, in a plan, of the build.
	Steps int `json:"steps,omitempty"`
	// Name is the step's text, or what is transferred.
	Name string `json:"name,omitempty"`
	// Cached says that an earlier result was used.
	Cached bool `json:"cached,omitempty"`
	// Seconds is how long the step, or the build, took.
	Seconds float64 `json:"seconds,omitempty"`
	// Stderr says that output came from stderr.
	Stderr bool `json:"stderr,omitempty"`
	// Output is text the step wrote, with invalid UTF-8 replaced.
	Output string `json:"output,omitempty"`
	// Current is the number of bytes so far.
	Current int64 `json:"current,omitempty"`
	// Total is the number of bytes in all; 0 when not known.
	Total int64 `json:"total,omitempty"`
	// Backend is the id of the backend that builds or built. Empty where several
	// did.
	Backend string `json:"backend,omitempty"`
	// File is the file that a diagnostic is about.
	File string `json:"file,omitempty"`
	// Diagnostic is the finding.
	Diagnostic *diagv1.Diagnostic `json:"diagnostic,omitempty"`
	// ExitCode is that of the command that failed.
	ExitCode int `json:"exitCode,omitempty"`
	// Message is one sentence: what went wrong.
	Message string `json:"message,omitempty"`
	// Help is one sentence: what to do about it.
	Help string `json:"help,omitempty"`
	// Digest is that of the result, or of what was fetched.
	Digest string `json:"digest,omitempty"`
	// Tags are the full references that name the result.
	Tags []string `json:"tags,omitempty"`
	// Outputs are the paths the result was written to.
	Outputs []string `json:"outputs,omitempty"`
}
