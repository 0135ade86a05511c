// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// featureGo is the feature that is missing where the go tool is: no build of
// this backend does without.
const featureGo = "wasm.go"

// goBackend builds WASI preview1 modules with the go tool of the machine.
//
// Its state folder holds what shelf.Keeper keeps there, and
//
//	go-build/        Go's build cache, which the go tool trims by itself
//	go-path/         Go's module cache, for users without one of their own
type goBackend struct{ shelf.Keeper }

var (
	_ backend.Backend   = goBackend{}
	_ backend.Store     = goBackend{}
	_ backend.Recoverer = goBackend{}
)

// Describe subtracts Go where there is no go tool, or one that is too old, and
// names the one it found.
func (goBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	g, err := findGo(ctx)
	if failure := (*backend.Failure)(nil); errors.As(err, &failure) {
		return &backendv1.DescribeResponse{Subtracted: []*backendv1.Subtraction{{
			Feature: featureGo, Reason: "no-go-toolchain", Message: failure.Message, Alternative: failure.Help,
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &backendv1.DescribeResponse{Tools: []*irv1.KeyValue{{Key: "go", Value: g.identity()}}}, nil
}

// Build builds the main package that the options name, or the only one.
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
	b := &build{Start: start, events: events, tool: g, project: project}
	return b.run(ctx)
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
	return acceptOptions(wasm)
}
