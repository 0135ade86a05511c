// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// Step is one numbered step of a wasm build.
type Step struct {
	// Job hears of the step.
	Job backend.Job
	// Number is its number, from 0.
	Number uint32
	// Name is what people read: "go build".
	Name string
}

// Ref names the step.
func (s Step) Ref() *backendv1.StepRef { return &backendv1.StepRef{Step: s.Number} }

// Do runs the step and reports its start and its good end.
func (s Step) Do(ctx context.Context, do func(context.Context) error) error {
	s.Job.StepStarted(s.Ref(), s.Name)
	if err := do(ctx); err != nil {
		return err
	}
	s.Job.StepFinished(s.Ref(), false)
	return nil
}

// Make runs the step that makes the module, which is the last one, and keeps
// the module on the backend's shelf. Compile gets the job's folder: new, empty,
// on the file system of the state folder and gone afterwards. It returns the
// file of the module, in that folder. CheckPreview1 decides whether it will do.
func (s Step) Make(ctx context.Context, start *backendv1.Start, compile func(ctx context.Context, dir string) (module string, err error)) (*backendv1.Artifact, error) {
	var artifact *backendv1.Artifact
	err := shelf.Stage(start.GetStateDir(), start.GetJobId(), func(dir string) error {
		var module string
		if err := s.Do(ctx, func(ctx context.Context) (err error) {
			if module, err = compile(ctx, dir); err != nil {
				return err
			}
			return s.CheckPreview1(module)
		}); err != nil {
			return err
		}
		var err error
		artifact, err = shelf.Keep(start.GetStateDir(), module, s.Ref())
		return err
	})
	return artifact, err
}

// Show returns a function that passes a line on to the user.
func (s Step) Show(stderr bool) func(line []byte) {
	return func(line []byte) { s.Job.Output(s.Ref(), stderr, line) }
}

// Failed explains the end of a program: err is what Run returned. Only one that
// ended badly needs it, an *ExitError; then why says what the backend has found
// out, and Failed adds the step and the exit code. A program that a signal
// ended says nothing about the user's source: that is a fault of the machine.
// The step's name is not put into the message: the host has it.
func (s Step) Failed(err error, why func() *backend.Failure) error {
	var exit *ExitError
	if !errors.As(err, &exit) {
		return err
	}
	f := why()
	f.Ref, f.ExitCode = s.Ref(), exit.Code
	if exit.Code > 128 {
		f.Kind = backendv1.FailureKind_FAILURE_KIND_MACHINE
		f.Message = fmt.Sprintf("the program was %v", exit)
		f.Help = "see that the machine has enough memory"
	}
	return f
}
