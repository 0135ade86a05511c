// SPDX-License-Identifier: Apache-2.0

// Package engine carries out a resolved container build on trees that are
// indexes: no step but a command needs a file on disk beside the layers.
//
// Stages run in parallel as far as they do not need each other. Each step that
// can change files has a key: a digest of the tree it starts from, of the step
// and of exactly the files it reads. What a key made is remembered, so that a
// build whose steps are all known reads nothing but its contexts.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Build is a build to carry out.
type Build struct {
	// Start is what the host asked for.
	Start *backendv1.Start
	// Job tells the host what happens.
	Job backend.Job
	// State keeps what is made.
	State *state.Folder
	// Driver runs commands.
	Driver driver.Driver
	// Commands is how many commands run at once. 0: one for each CPU.
	Commands int
	// Copies says that every command gets a copy of its files.
	Copies bool
}

// Do carries out the build and records its artifact. When ctx ends, or a step
// fails, all other steps end, and the folder of the job is gone. An error that
// the user can do something about is, or wraps, a *backend.Failure.
func (b Build) Do(ctx context.Context) (*backendv1.Artifact, error) {
	c := b.Start.GetBuild().GetContainer()
	if len(c.GetStages()) == 0 {
		return nil, errors.New("this backend builds container images, and the build is none")
	}
	dir := b.State.Job(b.Start.JobId)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, Failure(nil, fmt.Errorf("making the job's folder: %w", err))
	}
	w := &work{Build: b, dir: dir, inputs: newInputs(b), made: map[string]state.Made{}, slots: make(chan struct{}, cmp.Or(b.Commands, runtime.NumCPU()))}
	for n, s := range c.Stages {
		w.stages = append(w.stages, &stage{work: w, n: uint32(n), ResolvedStage: s, done: make(chan struct{})})
	}
	artifact, err := w.do(ctx)
	if err = errors.Join(err, w.inputs.close(), os.RemoveAll(dir)); err != nil {
		return nil, ended(ctx, err)
	}
	return artifact, nil
}

// ended prefers the end of ctx to all that came of it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return Failure(nil, err)
}

// work is a build on its way.
type work struct {
	Build
	// dir is the job's folder on disk; serial numbers what is in it.
	dir    string
	serial atomic.Int64
	inputs *inputs
	stages []*stage
	// slots bounds how many commands run at once.
	slots chan struct{}
	// copied is done when the user was told that files are copied.
	copied sync.Once

	mu sync.Mutex
	// made is what the steps of this build made, by key. It counts also when
	// what earlier builds made does not.
	made map[string]state.Made
}

func (w *work) do(ctx context.Context) (*backendv1.Artifact, error) {
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range w.stages {
		group.Go(func() error { return s.run(ctx) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return w.artifact()
}

// folder makes a new folder of the job.
func (w *work) folder() (string, error) {
	dir := filepath.Join(w.dir, strconv.FormatInt(w.serial.Add(1), 10))
	return dir, os.Mkdir(dir, 0o700)
}

// known says what a key made: in this build, or in an earlier one.
func (w *work) known(key string) (state.Made, bool) {
	w.mu.Lock()
	m, ok := w.made[key]
	w.mu.Unlock()
	if ok || w.Start.NoCache {
		return m, ok
	}
	return w.State.Known(key)
}

// remember notes what keys made.
func (w *work) remember(m state.Made, keys ...string) error {
	w.mu.Lock()
	for _, k := range keys {
		w.made[k] = m
	}
	w.mu.Unlock()
	for _, k := range keys {
		if err := w.State.Remember(k, m); err != nil {
			return err
		}
	}
	return nil
}

// point returns where an input ends: the last point of a stage, once it is
// built, or an image.
func (w *work) point(ctx context.Context, in *irv1.Input) (*point, error) {
	switch in.GetKind() {
	case irv1.InputKind_INPUT_KIND_SCRATCH:
		return w.inputs.scratch, nil
	case irv1.InputKind_INPUT_KIND_IMAGE:
		return w.inputs.image(in.Index)
	case irv1.InputKind_INPUT_KIND_STAGE:
		if int(in.Index) >= len(w.stages) {
			return nil, fmt.Errorf("the build has no stage %d", in.Index)
		}
		return w.stages[in.Index].wait(ctx)
	}
	return nil, fmt.Errorf("an input of kind %v is no tree", in.GetKind())
}
