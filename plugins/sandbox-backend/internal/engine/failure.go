// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// Failure says whose fault an error is, of a step or, with a nil ref, of the
// build: what it returns is, or wraps, a *backend.Failure. The end of a context
// is nobody's, and stays as it is.
func Failure(ref *backendv1.StepRef, err error) error {
	var (
		f       *backend.Failure
		problem *transfer.Problem
		exit    *driver.ExitError
	)
	switch {
	case errors.As(err, &f):
		if f.Ref == nil {
			f.Ref = ref
		}
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &problem):
		f = backend.Sourcef(ref, "%s", problem.Message)
		f.Help = problem.Help
	case errors.As(err, &exit):
		f = exited(ref, exit)
	default:
		if f = backend.Full(ref, err); f == nil {
			f = &backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Ref: ref, Message: err.Error()}
		}
	}
	return f
}

// exited is the failure of a command.
func exited(ref *backendv1.StepRef, exit *driver.ExitError) *backend.Failure {
	f := backend.Sourcef(ref, "the command failed: %v", exit)
	f.ExitCode, f.Help = exit.Code, exit.Help
	if strings.Contains(exit.Reason, syscall.ENOEXEC.Error()) {
		f.Help = "the program is for another CPU, or is no program; build for this machine's platform, or register an emulator (binfmt_misc)"
	}
	return f
}
