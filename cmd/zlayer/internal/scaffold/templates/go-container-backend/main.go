// SPDX-License-Identifier: Apache-2.0

// A backend: it builds container images of files that are copied. It runs no
// commands and needs no privileges, since it keeps file trees in memory.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

func main() { serve.Main(copier{}) }

// features are what it can do. The manifest lists the same.
var features = []string{"copy", "copy.from.context", "copy.from.image", "copy.from.stage", "make-dir"}

// copier is the backend. Of its state folder it uses
//
//	artifacts/HANDLE/   the layers of a build, kept until Remove
//	jobs/ID/            those of a running build
type copier struct{}

// Describe says which images can be made: with nothing to run, for any machine.
func (copier) Describe(context.Context, *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	here := &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}
	return &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: here}}}, nil
}

// Build builds the stages in their order. The layers of the last one are the
// artifact.
func (copier) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	for _, f := range start.GetBuild().GetFeatures() {
		if !slices.Contains(features, f) {
			return nil, backend.Sourcef(nil, "this backend lacks %s", f)
		}
	}
	artifact := &backendv1.Artifact{}
	err := shelf.Stage(start.GetStateDir(), start.GetJobId(), func(dir string) error {
		contents, err := os.Create(filepath.Join(dir, "contents"))
		if err != nil {
			return err
		}
		defer contents.Close()
		b := &build{Start: start, job: job, dir: filepath.Join(dir, "layers"), contents: contents, read: map[source]tree{}}
		last, err := b.stages(ctx)
		if err != nil {
			return err
		}
		artifact.Handle, artifact.Blobs = handle(last.layers), last.layers
		return keep(b.dir, artifacts(start.GetStateDir(), artifact.GetHandle()).Dir)
	})
	if err != nil {
		return nil, err
	}
	return artifact, nil
}

// handle names an artifact by its layers.
func handle(layers []*backendv1.Blob) string {
	sum := sha256.New()
	for _, l := range layers {
		fmt.Fprintln(sum, l.GetDigest())
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// keep puts the layers of a build where those of artifacts are, unless another
// build made the same.
func keep(layers, kept string) error {
	if err := os.MkdirAll(filepath.Dir(kept), 0o700); err != nil {
		return err
	}
	err := os.Rename(layers, kept)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// artifacts are the layers of an artifact. A handle that cannot be one names
// none.
func artifacts(stateDir, handle string) shelf.Shelf {
	if len(handle) != 2*sha256.Size || strings.Trim(handle, "0123456789abcdef") != "" {
		handle = "unknown"
	}
	return shelf.Shelf{Dir: filepath.Join(stateDir, "artifacts", handle)}
}

// Has says whether an artifact is there: it is there whole or not at all.
func (copier) Has(_ context.Context, r *backendv1.HasRequest) (bool, error) {
	_, err := os.Stat(artifacts(r.GetStateDir(), r.GetHandle()).Dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Export writes layers of an artifact. One that has changed on disk is gone
// with all its layers, so that the next build makes it again.
func (copier) Export(_ context.Context, r *backendv1.ExportRequest) error {
	kept := artifacts(r.GetStateDir(), r.GetHandle())
	for _, digest := range r.GetDigests() {
		if there, err := kept.Has(digest); err != nil || !there {
			return errors.Join(err, fmt.Errorf("artifact %s has no layer %s", r.GetHandle(), digest))
		}
		if err := kept.Export(digest, r.GetDirectory()); err != nil {
			return errors.Join(err, os.RemoveAll(kept.Dir))
		}
	}
	return nil
}

// Remove forgets artifacts.
func (copier) Remove(_ context.Context, r *backendv1.RemoveRequest) error {
	var failed error
	for _, handle := range r.GetHandles() {
		failed = errors.Join(failed, os.RemoveAll(artifacts(r.GetStateDir(), handle).Dir))
	}
	return failed
}

// Recover removes what dead jobs left behind.
func (copier) Recover(ctx context.Context, r *backendv1.RecoverRequest) error {
	return shelf.Keeper{}.Recover(ctx, r)
}

// build is one running build.
type build struct {
	*backendv1.Start
	job      backend.Job
	dir      string          // where layers are written
	contents *os.File        // those of the files of images, one after the other
	read     map[source]tree // the images and contexts that were read
	built    []*stage
}

// source is an image or a context.
type source struct {
	kind  irv1.InputKind
	index uint32
}

// stage is a stage that is built.
type stage struct {
	files  tree
	layers []*backendv1.Blob
}

// stages builds all stages and returns the last one.
func (b *build) stages(ctx context.Context) (*stage, error) {
	if err := os.Mkdir(b.dir, 0o700); err != nil {
		return nil, err
	}
	for i, s := range b.GetBuild().GetContainer().GetStages() {
		files, err := b.input(ctx, s.GetBase())
		if err != nil {
			return nil, fmt.Errorf("reading the base of stage %s: %w", s.GetName(), err)
		}
		made := &stage{files: files.clone()}
		if s.GetBase().GetKind() == irv1.InputKind_INPUT_KIND_STAGE {
			made.layers = slices.Clone(b.built[s.GetBase().GetIndex()].layers)
		}
		for j, step := range s.GetSteps() {
			ref := &backendv1.StepRef{Stage: uint32(i), Step: uint32(j)}
			b.job.StepStarted(ref, "")
			if err := b.step(ctx, made, ref, step); err != nil {
				return nil, err
			}
			b.job.StepFinished(ref, false)
		}
		b.built = append(b.built, made)
	}
	return b.built[len(b.built)-1], nil
}

// input returns the files of an input.
func (b *build) input(ctx context.Context, in *irv1.Input) (files tree, err error) {
	from := source{in.GetKind(), in.GetIndex()}
	if files, ok := b.read[from]; ok {
		return files, nil
	}
	switch from.kind {
	case irv1.InputKind_INPUT_KIND_STAGE:
		return b.built[from.index].files, nil
	case irv1.InputKind_INPUT_KIND_CONTEXT:
		files, err = contextTree(ctx, b.GetContexts()[from.index])
	case irv1.InputKind_INPUT_KIND_IMAGE:
		files, err = b.image(ctx, b.GetBuild().GetContainer().GetImages()[from.index].GetDigest())
	default:
		files = tree{"": folder()}
	}
	b.read[from] = files
	return files, err
}
