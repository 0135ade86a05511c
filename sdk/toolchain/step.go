// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"context"
	"fmt"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
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

// Show returns a function that passes a line on to the user.
func (s Step) Show(stderr bool) func(line []byte) {
	return func(line []byte) { s.Job.Output(s.Ref(), stderr, line) }
}

// Failed completes what a backend has found out about a program that ended
// badly: which step it was, the exit code, and that a killed program says
// nothing about the user's source. The step's name is not put into the message:
// the host has it.
func (s Step) Failed(exit *ExitError, f *backend.Failure) *backend.Failure {
	f.Ref, f.ExitCode = s.Ref(), exit.Code
	if exit.Code > 128 {
		f.Kind = backendv1.FailureKind_FAILURE_KIND_MACHINE
		f.Message = fmt.Sprintf("the program was %v", exit)
		f.Help = "see that the machine has enough memory"
	}
	return f
}
