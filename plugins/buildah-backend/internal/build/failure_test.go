// SPDX-License-Identifier: Apache-2.0

package build

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/command"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

func TestFailure(t *testing.T) {
	const source, machine, internal = backendv1.FailureKind_FAILURE_KIND_SOURCE, backendv1.FailureKind_FAILURE_KIND_MACHINE, backendv1.FailureKind_FAILURE_KIND_INTERNAL
	ref := &backendv1.StepRef{Step: 3}
	for _, tt := range []struct {
		err  error
		kind backendv1.FailureKind
		help bool
	}{
		{fmt.Errorf("copying: %w", backend.Sourcef(nil, "wrong")), source, false},
		{fmt.Errorf("x: %w", &command.ExitError{Code: 9}), source, false},
		{fmt.Errorf("storing a layer: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), machine, true},
		{fmt.Errorf("storing a layer: %w", syscall.EDQUOT), machine, true},
		{errors.New("x"), internal, false},
	} {
		if f := Failure(ref, tt.err); f.Kind != tt.kind || f.Ref != ref || f.Help != "" != tt.help {
			t.Errorf("Failure(%v) = %+v", tt.err, f)
		}
	}
}
