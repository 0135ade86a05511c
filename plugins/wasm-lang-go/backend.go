// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/wasm-lang-go/internal/shelf"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// The features of the manifest.
const (
	featureGo       = "wasm.go"
	featurePreview1 = "wasm.preview1"
)

// goBackend builds WASI preview1 modules with the go tool of the machine.
//
// Its state folder holds:
//
//	modules/SHA256   the modules made, kept until Remove
//	jobs/ID/         what a running job writes
//	go-build/        Go's build cache, which the go tool trims by itself
//	go-path/         Go's module cache, for users without one of their own
type goBackend struct{}

var (
	_ backend.Backend   = goBackend{}
	_ backend.Store     = goBackend{}
	_ backend.Recoverer = goBackend{}
)

// Describe subtracts everything where there is no go tool, or one that is too
// old, and names the one it found.
func (goBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	g, err := findGo(ctx)
	if failure := (*backend.Failure)(nil); errors.As(err, &failure) {
		return &backendv1.DescribeResponse{Subtracted: []*backendv1.Subtraction{
			subtract(featureGo, failure), subtract(featurePreview1, failure),
		}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &backendv1.DescribeResponse{Tools: []*irv1.KeyValue{{Key: "go", Value: g.identity()}}}, nil
}

func subtract(feature string, f *backend.Failure) *backendv1.Subtraction {
	return &backendv1.Subtraction{Feature: feature, Reason: "no-go-toolchain", Message: f.Message, Alternative: f.Help}
}

// Build builds the one main package of the project.
func (goBackend) Build(ctx context.Context, start *backendv1.Start, events backend.Job) (*backendv1.Artifact, error) {
	if err := accept(start); err != nil {
		return nil, err
	}
	project, err := filepath.EvalSymlinks(start.GetContexts()[0].GetPath()) // as the go tool writes it
	if err != nil {
		return nil, backend.Sourcef(nil, "reading the project: %v", err)
	}
	g, err := findGo(ctx)
	if err != nil {
		return nil, err
	}
	staging, err := jobDir(start.GetStateDir(), start.GetJobId())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(staging, 0o700); err != nil {
		return nil, fmt.Errorf("making the job's folder: %w", err)
	}
	b := &build{Start: start, events: events, tool: g, project: project, staging: staging}
	artifact, err := b.run(ctx)
	return artifact, errors.Join(err, os.RemoveAll(staging))
}

// accept refuses what the manifest does not promise.
func accept(start *backendv1.Start) error {
	wasm := start.GetBuild().GetWasm()
	switch {
	case wasm == nil:
		return backend.Sourcef(nil, "wasm-lang-go builds WebAssembly modules, not container images")
	case wasm.GetLanguage() != "go":
		return backend.Sourcef(nil, "wasm-lang-go builds Go, not language %q", wasm.GetLanguage())
	case wasm.GetTarget() != "preview1":
		return backend.Sourcef(nil, "wasm-lang-go builds for target preview1, not %q", wasm.GetTarget())
	case len(start.GetContexts()) != 1:
		return fmt.Errorf("a WebAssembly build has one context, not %d", len(start.GetContexts()))
	}
	return nil
}

// Has says whether a module is still there.
func (goBackend) Has(_ context.Context, r *backendv1.HasRequest) (bool, error) {
	return modules(r.GetStateDir()).Has(r.GetHandle())
}

// Export writes a module into the host's folder. The handle of an artifact is
// the digest of its module, so it is the only digest there is to ask for.
func (goBackend) Export(_ context.Context, r *backendv1.ExportRequest) error {
	for _, digest := range r.GetDigests() {
		if digest != r.GetHandle() {
			return fmt.Errorf("artifact %s has no blob %s", r.GetHandle(), digest)
		}
		if err := modules(r.GetStateDir()).Export(digest, r.GetDirectory()); err != nil {
			return err
		}
	}
	return nil
}

// Remove forgets modules.
func (goBackend) Remove(_ context.Context, r *backendv1.RemoveRequest) error {
	var failed error
	for _, handle := range r.GetHandles() {
		failed = errors.Join(failed, modules(r.GetStateDir()).Remove(handle))
	}
	return failed
}

// Recover removes the folders of dead jobs. Their processes died with the
// backend: see tool.Guard.
func (goBackend) Recover(_ context.Context, r *backendv1.RecoverRequest) error {
	var failed error
	for _, id := range r.GetJobIds() {
		dir, err := jobDir(r.GetStateDir(), id)
		if err == nil {
			err = os.RemoveAll(dir)
		}
		failed = errors.Join(failed, err)
	}
	return failed
}

func modules(stateDir string) shelf.Shelf {
	return shelf.Shelf{Dir: filepath.Join(stateDir, "modules")}
}

// jobDir is the folder of a job. An id that is no plain name is an error, so
// that no job writes elsewhere.
func jobDir(stateDir, id string) (string, error) {
	if id == "" || id == "." || id == ".." || filepath.Base(id) != id {
		return "", fmt.Errorf("job id %q is not a plain name", id)
	}
	return filepath.Join(stateDir, "jobs", id), nil
}
