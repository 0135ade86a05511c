// SPDX-License-Identifier: Apache-2.0

// Package build carries out a resolved container build, stage by stage and
// step by step.
//
// Each step that can change files has a key: a digest of the layer it starts
// from, the step, and the files it reads. The cache knows which layer a key
// made. A build whose steps are all known starts no command and mounts
// nothing.
package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/command"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/layers"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
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
	// Store holds the layers.
	Store *layers.Store
	// Name is a short name of the job, fit for files.
	Name string
	// Run is a folder in memory that vanishes with the job.
	Run string
	// Scratch is a folder on disk that is removed after the job.
	Scratch string
}

// Artifact is a finished build.
type Artifact struct {
	*backendv1.Artifact
	// Tops are the highest layers of all stages, the target's last. Empty for
	// a stage without layers.
	Tops []string
}

// builder is a build on its way.
type builder struct {
	Build
	ctx    context.Context
	cache  cache
	inputs *inputs
	// tops are the highest layers of the stages done so far.
	tops []string
	// made says which step made a layer.
	made map[string]*backendv1.StepRef
	// serial numbers the folders and drafts of the job.
	serial int
}

// Do carries out the build.
func (b Build) Do(ctx context.Context) (*Artifact, error) {
	c := b.Start.Build.GetContainer()
	if c == nil || len(c.Stages) == 0 {
		return nil, errors.New("this backend builds container images, and the build is none")
	}
	in, err := newInputs(b, c)
	if err != nil {
		return nil, err
	}
	defer in.close()
	w := &builder{Build: b, ctx: ctx, inputs: in, made: map[string]*backendv1.StepRef{}, cache: cache{filepath.Join(b.Start.StateDir, "cache")}}
	for n, stage := range c.Stages {
		top, err := w.stage(uint32(n), stage)
		if err != nil {
			return nil, err
		}
		w.tops = append(w.tops, top)
	}
	return w.artifact(c.Stages)
}

func (b *builder) stage(n uint32, stage *irv1.ResolvedStage) (top string, err error) {
	if top, err = b.layerOf(stage.Base); err != nil {
		return "", err
	}
	for i, step := range stage.Steps {
		if err := b.ctx.Err(); err != nil {
			return "", err
		}
		ref := &backendv1.StepRef{Stage: n, Step: uint32(i)}
		b.Job.StepStarted(ref, "")
		next, cached, err := b.step(ref, stage, step, top)
		if err != nil {
			return "", Failure(ref, err)
		}
		if next != top {
			b.made[next] = ref
		}
		top = next
		b.Job.StepFinished(ref, cached)
	}
	return top, nil
}

// layerOf returns the highest layer of an input that is not a context. It may
// not be in the store yet.
func (b *builder) layerOf(in *irv1.Input) (string, error) {
	switch in.GetKind() {
	case irv1.InputKind_INPUT_KIND_SCRATCH:
		return "", nil
	case irv1.InputKind_INPUT_KIND_STAGE:
		if int(in.Index) >= len(b.tops) {
			return "", fmt.Errorf("stage %d is used before it is built", in.Index)
		}
		return b.tops[in.Index], nil
	case irv1.InputKind_INPUT_KIND_IMAGE:
		return b.inputs.imageTop(in.Index)
	}
	return "", fmt.Errorf("an input of kind %v has no layers", in.GetKind())
}

// operation is a step that can change files.
type operation interface {
	// key adds what the step depends on, beside itself and its parent.
	key(k *key) error
	// run makes the layer.
	run(parent string) (top string, err error)
}

func (b *builder) step(ref *backendv1.StepRef, stage *irv1.ResolvedStage, step *irv1.ResolvedStep, parent string) (top string, cached bool, err error) {
	k := newKey(stage.Platform, parent)
	op, err := b.operation(ref, step, k)
	if op == nil || err != nil {
		return parent, false, err
	}
	if err := op.key(k); err != nil {
		return "", false, err
	}
	name := k.String()
	if top, ok := b.known(name, parent); ok {
		return top, true, nil
	}
	if err := b.inputs.need(parent); err != nil {
		return "", false, err
	}
	if top, err = op.run(parent); err != nil {
		return "", false, err
	}
	return top, false, b.cache.set(name, top)
}

// operation returns nil for a step that changes no files.
func (b *builder) operation(ref *backendv1.StepRef, step *irv1.ResolvedStep, k *key) (operation, error) {
	switch op := step.Op.(type) {
	case *irv1.ResolvedStep_Metadata:
		return nil, nil
	case *irv1.ResolvedStep_MakeDir:
		return &makeDir{b, op.MakeDir}, k.message("make-dir", op.MakeDir)
	case *irv1.ResolvedStep_Transfer:
		return &copyFiles{builder: b, ref: ref, step: op.Transfer, where: step.Range}, k.message("transfer", op.Transfer)
	case *irv1.ResolvedStep_Exec:
		return &execute{builder: b, ref: ref, step: op.Exec}, k.message("exec", op.Exec)
	}
	return nil, fmt.Errorf("step %q is of a kind that this backend does not know", step.Text)
}

// known looks up a key. What it made only counts while it is in the store and
// on top of the parent.
func (b *builder) known(name, parent string) (string, bool) {
	if b.Start.NoCache {
		return "", false
	}
	top, ok := b.cache.get(name)
	if !ok || top == parent {
		return parent, ok
	}
	l, ok := b.Store.Layer(top)
	return top, ok && l.Parent == parent
}

// put makes a layer of a plan.
func (b *builder) put(parent string, plan transfer.Layer) (string, error) {
	r, w := io.Pipe()
	go func() {
		_, err := plan.WriteTo(w)
		w.CloseWithError(err)
	}()
	top, _, err := b.Store.Put("", parent, r)
	r.CloseWithError(errors.New("the layer could not be stored"))
	return top, err
}

// artifact lists the layers above the target's external base.
func (b *builder) artifact(stages []*irv1.ResolvedStage) (*Artifact, error) {
	n := len(stages) - 1
	for stages[n].Base.GetKind() == irv1.InputKind_INPUT_KIND_STAGE {
		n = int(stages[n].Base.Index)
	}
	base, err := b.layerOf(stages[n].Base)
	if err != nil {
		return nil, err
	}
	top := b.tops[len(b.tops)-1]
	chain, err := b.Store.Chain(top, base)
	if err != nil {
		return nil, err
	}
	a := &backendv1.Artifact{Handle: Handle(top, len(chain))}
	for i := len(chain) - 1; i >= 0; i-- {
		l := chain[i]
		a.Blobs = append(a.Blobs, &backendv1.Blob{Digest: l.Digest, Size: l.Size, Ref: b.made[l.ID]})
	}
	return &Artifact{a, b.tops}, nil
}

// Bare is how the handle of an artifact without blobs begins.
const Bare = "scratch:"

// Handle names an artifact.
func Handle(top string, blobs int) string {
	if blobs == 0 {
		return Bare + top
	}
	return top
}

// Failure says whose fault an error is, of a step or, with a nil ref, of a call.
func Failure(ref *backendv1.StepRef, err error) *backend.Failure {
	var (
		f       *backend.Failure
		problem *transfer.Problem
		exit    *command.ExitError
	)
	switch {
	case errors.As(err, &f):
		if f.Ref == nil {
			f.Ref = ref
		}
		return f
	case errors.As(err, &problem):
		f = backend.Sourcef(ref, "%s", problem.Message)
		f.Help = problem.Help
	case errors.As(err, &exit):
		f = backend.Sourcef(ref, "the command failed: %v", exit)
		f.ExitCode = exit.Code
		if strings.Contains(exit.Reason, syscall.ENOEXEC.Error()) {
			f.Help = "the program is for another CPU, or is no program; build for this machine's platform, or register an emulator (binfmt_misc)"
		}
	default:
		if f = backend.Full(ref, err); f == nil {
			f = &backend.Failure{Kind: backendv1.FailureKind_FAILURE_KIND_INTERNAL, Ref: ref, Message: err.Error()}
		}
	}
	return f
}
