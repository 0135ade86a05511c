// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/engine"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

//go:embed manifest.json
var manifestText []byte

// sandbox builds container images.
type sandbox struct {
	// features are those of the manifest.
	features []string
	driver   driver.Driver
	// commands is how many commands of a build run at once. 0: one for each
	// CPU.
	commands int
	// copies says that every command gets a copy of its files.
	copies bool
	// broken says what is wrong with the settings. Every call answers with it,
	// so that the user sees it.
	broken error
}

var (
	_ backend.Backend   = (*sandbox)(nil)
	_ backend.Store     = (*sandbox)(nil)
	_ backend.Recoverer = (*sandbox)(nil)
)

// newSandbox returns the backend with these settings.
func newSandbox(set settings) *sandbox {
	var m manifest.Manifest
	if err := json.Unmarshal(manifestText, &m); err != nil {
		return &sandbox{broken: fmt.Errorf("reading the embedded manifest: %w", err)}
	}
	s := &sandbox{features: m.Capabilities.Features}
	if s.copies, s.broken = set.copies(); s.broken == nil {
		s.driver, s.broken = choose(set.driver, s.features)
	}
	return s
}

// Describe says what the driver lacks here.
func (s *sandbox) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	if s.broken != nil {
		return nil, s.broken
	}
	return s.driver.Describe(ctx)
}

// Build builds once. What cannot be built here is refused before the first
// step.
func (s *sandbox) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	described, err := s.Describe(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := backend.CheckExperimental(described, start); err != nil {
		return nil, err
	}
	if err := s.accept(described, start.GetBuild()); err != nil {
		return nil, err
	}
	var artifact *backendv1.Artifact
	err = s.within(ctx, start.StateDir, func(f *state.Folder) error {
		artifact, err = engine.Build{Start: start, Job: job, State: f, Driver: s.driver, Commands: s.commands, Copies: s.copies}.Do(ctx)
		return err
	})
	if err != nil {
		return nil, engine.Failure(nil, err)
	}
	return artifact, nil
}

// within opens a state folder for a while. That it could not be swept
// afterwards is no reason to fail: the next time will do.
func (s *sandbox) within(ctx context.Context, dir string, do func(*state.Folder) error) error {
	f, err := state.Open(ctx, dir)
	if err != nil {
		return err
	}
	if s.driver != nil {
		f.Swept = func(keep func(string) bool) error { return s.sweep(context.WithoutCancel(ctx), f, keep) }
	}
	err = do(f)
	if closed := f.Close(); closed != nil {
		fmt.Fprintf(os.Stderr, "sandbox-backend: cleaning up the state folder: %v\n", closed)
	}
	return err
}

// sweep removes the driver's trees of layers that are gone, and all of earlier
// boots.
func (s *sandbox) sweep(ctx context.Context, f *state.Folder, keep func(string) bool) error {
	old, err := f.OldTrees()
	errs := []error{err}
	for _, dir := range old {
		errs = append(errs, s.driver.Recover(ctx, dir), os.RemoveAll(dir))
	}
	if sweeper, ok := s.driver.(driver.Sweeper); ok {
		errs = append(errs, sweeper.Sweep(ctx, f.Trees(), keep))
	}
	return errors.Join(errs...)
}

// Has says whether every blob of an artifact can be exported.
func (s *sandbox) Has(ctx context.Context, r *backendv1.HasRequest) (has bool, err error) {
	err = s.within(ctx, r.StateDir, func(f *state.Folder) error {
		has, err = f.Has(r.Handle)
		return err
	})
	return has, err
}

// Export writes blobs of an artifact into the host's folder.
func (s *sandbox) Export(ctx context.Context, r *backendv1.ExportRequest) error {
	return s.within(ctx, r.StateDir, func(f *state.Folder) error { return f.Export(r.Handle, r.Digests, r.Directory) })
}

// Remove forgets artifacts. Layers that nothing else needs go when no build is
// running.
func (s *sandbox) Remove(ctx context.Context, r *backendv1.RemoveRequest) error {
	return s.within(ctx, r.StateDir, func(f *state.Folder) error {
		var errs []error
		for _, handle := range r.Handles {
			errs = append(errs, f.Forget(handle))
		}
		return errors.Join(errs...)
	})
}

// Recover removes what dead jobs left on disk.
func (s *sandbox) Recover(ctx context.Context, r *backendv1.RecoverRequest) error {
	if s.broken != nil {
		return s.broken
	}
	return s.within(ctx, r.StateDir, func(f *state.Folder) error {
		var errs []error
		for _, id := range r.JobIds {
			job := f.Job(id)
			errs = append(errs, s.driver.Recover(ctx, job), os.RemoveAll(job))
		}
		return errors.Join(append(errs, f.Layers.Recover())...)
	})
}
