// SPDX-License-Identifier: Apache-2.0

// Package backend is what an author of a backend imports.
//
// A backend turns a resolved build into layers or modules. Write a Backend and
// hand it to serve.Main; or, in a test, to plugintest. This package knows
// neither gRPC nor processes.
package backend

import (
	"context"
	"fmt"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Backend builds. Its methods are called concurrently.
//
// The optional interfaces Store and Recoverer say what more it can do.
type Backend interface {
	// Describe says what of the manifest's capabilities is missing on this
	// machine, and which platforms there are. It changes nothing and is fast.
	Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error)

	// Build builds once and returns the artifact. When ctx ends it returns
	// soon, with every process, mount and temporary file of the job gone. An
	// error that is, or wraps, a *Failure tells the user whose fault it was;
	// any other error is reported as a fault of the backend.
	Build(ctx context.Context, start *backendv1.Start, job Job) (*backendv1.Artifact, error)
}

// Store is implemented by a Backend that keeps artifacts. A backend without
// one can only be asked to build.
type Store interface {
	// Has says whether every blob of an artifact can be exported.
	Has(context.Context, *backendv1.HasRequest) (bool, error)
	// Export writes blobs into the directory, each named by the hex of its
	// digest.
	Export(context.Context, *backendv1.ExportRequest) error
	// Remove forgets artifacts. Unknown handles are not an error.
	Remove(context.Context, *backendv1.RemoveRequest) error
}

// Recoverer is implemented by a Backend whose jobs can leave something behind
// when the process dies.
type Recoverer interface {
	// Recover removes what the jobs left. It is idempotent.
	Recover(context.Context, *backendv1.RecoverRequest) error
}

// Job is how a running Build talks to the host. Its methods are safe for
// concurrent use and never block for long.
type Job interface {
	// StepStarted says that a step began. The name is for steps the build has
	// no text for; it may be empty.
	StepStarted(ref *backendv1.StepRef, name string)
	// StepFinished says that a step ended well.
	StepFinished(ref *backendv1.StepRef, cached bool)
	// Output passes on what a step wrote; data is not kept.
	Output(ref *backendv1.StepRef, stderr bool, data []byte)
	// Progress reports bytes of a transfer; a total of 0 is unknown.
	Progress(ref *backendv1.StepRef, name string, current, total int64)
	// Warn reports a finding that does not stop the build.
	Warn(ref *backendv1.StepRef, finding *backendv1.Finding)
	// InputRead names something the result depends on beyond what the build
	// names. The kind is "url", "git", "tool" or "env".
	InputRead(kind, name, digest string)
	// Secret asks for a secret. ok is false when the user gave none.
	Secret(ctx context.Context, id string) (value []byte, ok bool, err error)
	// SSH asks for an ssh-agent socket. ok is false when the user gave none.
	SSH(ctx context.Context, id string) (socket string, ok bool, err error)
}

// Failure is the error of a build that failed for a reason the user can do
// something about.
type Failure struct {
	// Kind says whose fault it was.
	Kind backendv1.FailureKind
	// Ref is the step. Nil when none.
	Ref *backendv1.StepRef
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// ExitCode is that of the command that failed; 0 when none did.
	ExitCode int
	// Findings are what is wrong, place by place.
	Findings []*backendv1.Finding
	// Err is the cause. May be nil.
	Err error
}

// Error returns the message and the cause.
func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Message
	}
	return fmt.Sprintf("%s: %v", f.Message, f.Err)
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Sourcef returns a Failure of the user's source at a step.
func Sourcef(ref *backendv1.StepRef, format string, args ...any) *Failure {
	return &Failure{Kind: backendv1.FailureKind_FAILURE_KIND_SOURCE, Ref: ref, Message: fmt.Sprintf(format, args...)}
}

// Machinef returns a Failure of the machine: a tool, a privilege, disk space.
func Machinef(ref *backendv1.StepRef, format string, args ...any) *Failure {
	return &Failure{Kind: backendv1.FailureKind_FAILURE_KIND_MACHINE, Ref: ref, Message: fmt.Sprintf(format, args...)}
}

// At returns a finding in a file of the project.
func At(file string, d *diagv1.Diagnostic) *backendv1.Finding {
	return &backendv1.Finding{File: file, Diagnostic: d}
}
