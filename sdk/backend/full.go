// SPDX-License-Identifier: Apache-2.0

package backend

import (
	"errors"
	"syscall"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// Full returns the Failure of a machine that has no space left, on a disk or in
// a quota, when that is, or is wrapped in, the error; else nil. Package serve
// does the same to every error that is no Failure.
func Full(ref *backendv1.StepRef, err error) *Failure {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return nil
	}
	f := Machinef(ref, "there is no space left for the build: %v", err)
	f.Help = "free some space, or remove images that are no longer needed"
	return f
}
