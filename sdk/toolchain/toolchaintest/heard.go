// SPDX-License-Identifier: Apache-2.0

package toolchaintest

import (
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// Heard is what a build reported.
type Heard struct {
	// Steps are the names of its steps, in order.
	Steps []string
	// Inputs are the digests of what it read, by kind and name: "tool go".
	Inputs map[string]string
	// Warnings are its warnings, as diag.Line writes them.
	Warnings []string
	// Output is what its programs wrote.
	Output string
}

func hear(events []*backendv1.BuildEvent) Heard {
	h := Heard{Inputs: map[string]string{}}
	for _, e := range events {
		switch e := e.GetEvent().(type) {
		case *backendv1.BuildEvent_StepStarted:
			h.Steps = append(h.Steps, e.StepStarted.GetName())
		case *backendv1.BuildEvent_Output:
			h.Output += string(e.Output.GetData())
		case *backendv1.BuildEvent_InputRead:
			h.Inputs[e.InputRead.GetKind()+" "+e.InputRead.GetName()] = e.InputRead.GetDigest()
		case *backendv1.BuildEvent_Warning:
			f := e.Warning.GetFinding()
			h.Warnings = append(h.Warnings, diag.Line(f.GetFile(), f.GetDiagnostic()))
		}
	}
	return h
}
