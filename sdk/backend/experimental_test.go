// SPDX-License-Identifier: Apache-2.0

package backend_test

import (
	"errors"
	"testing"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestCheckExperimental(t *testing.T) {
	described := &backendv1.DescribeResponse{Subtracted: []*backendv1.Subtraction{
		{Feature: "exec", Reason: backend.ReasonExperimental, Message: "nobody has run it here"},
		{Feature: "exec.device", Reason: "no-device"},
	}}
	for _, test := range []struct {
		name     string
		features []string
		allowed  bool
		refused  bool
	}{
		{"not needed", []string{"copy"}, false, false},
		{"needed", []string{"copy", "exec"}, false, true},
		{"needed and allowed", []string{"copy", "exec"}, true, false},
		{"missing for another reason is not its concern", []string{"exec.device"}, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			start := &backendv1.Start{Build: &irv1.ResolvedBuild{Features: test.features}, Experimental: test.allowed}
			err := backend.CheckExperimental(described, start)
			if (err != nil) != test.refused {
				t.Fatalf("got %v", err)
			}
			var f *backend.Failure
			if test.refused && (!errors.As(err, &f) || f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || f.Help == "") {
				t.Errorf("got %#v", err)
			}
		})
	}
}
