// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"fmt"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// stage is a stage on its way.
type stage struct {
	*irv1.ResolvedStage
	work *work
	n    uint32
	// done is closed when end is set.
	done chan struct{}
	end  *point
}

// wait returns the end of the stage once it is built.
func (s *stage) wait(ctx context.Context) (*point, error) {
	select {
	case <-s.done:
		return s.end, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// run carries out the steps of the stage.
func (s *stage) run(ctx context.Context) error {
	at, err := s.work.point(ctx, s.Base)
	if err != nil {
		return err
	}
	for i, step := range s.Steps {
		ref := &backendv1.StepRef{Stage: s.n, Step: uint32(i)}
		if at, err = s.step(ctx, ref, step, at); err != nil {
			return Failure(ref, err)
		}
	}
	s.end = at
	close(s.done)
	return nil
}

// step carries out one step. It is said to begin when the stages that it reads
// are built.
func (s *stage) step(ctx context.Context, ref *backendv1.StepRef, step *irv1.ResolvedStep, at *point) (*point, error) {
	op, err := s.operation(ref, step, at)
	if err != nil {
		return nil, err
	}
	if op == nil {
		s.work.Job.StepStarted(ref, "")
		s.work.Job.StepFinished(ref, false)
		return at, ctx.Err()
	}
	if err := op.prepare(ctx); err != nil {
		return nil, err
	}
	s.work.Job.StepStarted(ref, "")
	made, cached, err := s.carryOut(ctx, op)
	if err != nil {
		return nil, err
	}
	s.work.Job.StepFinished(ref, cached)
	return at.then(made, ref, s.work.State.Layers), nil
}

// operation is a step that can change files.
type operation interface {
	// prepare waits for the stages that the step reads.
	prepare(ctx context.Context) error
	// key names everything that the step depends on. A rough key is quick to
	// make: it names whole trees that the step reads a part of. An exact one
	// names the part. They are equal for a step that reads no part of a tree.
	key(ctx context.Context, exact bool) (string, error)
	// run makes the layer and puts it into the store.
	run(ctx context.Context) (state.Made, error)
}

// operation returns nil for a step that changes no files.
func (s *stage) operation(ref *backendv1.StepRef, step *irv1.ResolvedStep, at *point) (operation, error) {
	c := common{work: s.work, ref: ref, platform: s.Platform, at: at}
	switch op := step.Op.(type) {
	case *irv1.ResolvedStep_Metadata:
		return nil, nil
	case *irv1.ResolvedStep_MakeDir:
		return &makeDir{c, op.MakeDir}, nil
	case *irv1.ResolvedStep_Transfer:
		return &copyFiles{common: c, step: op.Transfer, where: step.Range}, nil
	case *irv1.ResolvedStep_Exec:
		return &execute{common: c, step: op.Exec, where: step.Range}, nil
	}
	return nil, fmt.Errorf("step %q is of a kind that this backend does not know", step.Text)
}

// common is what all operations have.
type common struct {
	*work
	ref      *backendv1.StepRef
	platform *irv1.Platform
	// at is what the step starts from.
	at *point
}

// carryOut returns what a step made, or once made. Two steps with one key, in
// whatever process, do not run at once: the second finds what the first made.
func (s *stage) carryOut(ctx context.Context, op operation) (made state.Made, cached bool, err error) {
	w := s.work
	rough, err := op.key(ctx, false)
	if err != nil {
		return state.Made{}, false, err
	}
	if made, ok := w.known(rough); ok {
		return made, true, nil
	}
	exact, err := op.key(ctx, true)
	if err != nil {
		return state.Made{}, false, err
	}
	return w.once(ctx, exact, rough, op.run)
}

// once makes what a key stands for, unless it is there when nobody else is at
// it. It is remembered under both keys.
func (w *work) once(ctx context.Context, exact, rough string, make func(context.Context) (state.Made, error)) (made state.Made, cached bool, err error) {
	unlock, err := w.State.Lock(ctx, exact)
	if err != nil {
		return state.Made{}, false, err
	}
	defer unlock() //nolint:errcheck // only closes a file
	made, cached = w.known(exact)
	if !cached {
		if made, err = make(ctx); err != nil {
			return state.Made{}, false, err
		}
	}
	if rough == exact {
		rough = ""
	}
	if rough != "" {
		err = w.remember(made, rough)
	}
	if err == nil && !cached {
		err = w.remember(made, exact)
	}
	return made, cached, err
}
