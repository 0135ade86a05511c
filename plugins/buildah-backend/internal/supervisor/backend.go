// SPDX-License-Identifier: Apache-2.0

// Package supervisor is the backend as the host sees it. It has nothing of
// buildah in it: every call is done by a worker process of its own.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Backend runs workers.
type Backend struct {
	// Worker is the worker's executable.
	Worker string
	// Features are the ids of all that the backend can do.
	Features []string
}

var (
	_ backend.Backend   = (*Backend)(nil)
	_ backend.Store     = (*Backend)(nil)
	_ backend.Recoverer = (*Backend)(nil)
)

// sweepTime bounds what is done after a build that was cut off.
const sweepTime = 30 * time.Second

// Describe implements backend.Backend.
func (b *Backend) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	r := &backendv1.DescribeResponse{
		Platforms: []*backendv1.PlatformSupport{{
			Platform: &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH},
			Run:      backendv1.RunMode_RUN_MODE_NATIVE,
		}},
	}
	if lack := lacking(); lack != nil {
		for _, f := range b.Features {
			r.Subtracted = append(r.Subtracted, &backendv1.Subtraction{Feature: f, Reason: lack.reason, Message: lack.message, Alternative: lack.alternative})
		}
	}
	return r, nil
}

// Build implements backend.Backend.
func (b *Backend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	if lack := lacking(); lack != nil {
		f := backend.Machinef(nil, "%s", lack.message)
		f.Help = lack.alternative
		return nil, f
	}
	w, err := b.start(opBuild)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, w.stop)
	defer stop()
	artifact, err := w.build(ctx, start, job)
	if !w.finished {
		err = errors.Join(err, b.sweep(ctx, start))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return artifact, err
}

// sweep removes what a job left that did not come to its end.
func (b *Backend) sweep(ctx context.Context, start *backendv1.Start) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sweepTime)
	defer cancel()
	err := b.Recover(ctx, &backendv1.RecoverRequest{StateDir: start.StateDir, JobIds: []string{start.JobId}})
	if err != nil {
		return fmt.Errorf("cleaning up after the build: %w", err)
	}
	return nil
}

// Has implements backend.Store.
func (b *Backend) Has(ctx context.Context, r *backendv1.HasRequest) (bool, error) {
	a, err := b.call(ctx, opHas, r)
	return a.GetHandle() != "", err
}

// Export implements backend.Store.
func (b *Backend) Export(ctx context.Context, r *backendv1.ExportRequest) error {
	_, err := b.call(ctx, opExport, r)
	return err
}

// Remove implements backend.Store.
func (b *Backend) Remove(ctx context.Context, r *backendv1.RemoveRequest) error {
	_, err := b.call(ctx, opRemove, r)
	return err
}

// Recover implements backend.Recoverer.
func (b *Backend) Recover(ctx context.Context, r *backendv1.RecoverRequest) error {
	_, err := b.call(ctx, opRecover, r)
	return err
}
