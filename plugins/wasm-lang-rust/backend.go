// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// featureRust is the feature that is missing where the toolchain is: no build of
// this backend does without.
const featureRust = "wasm.rust"

// rustBackend builds WASI preview1 modules with the cargo of the machine.
//
// Its state folder holds what shelf.Keeper keeps there, and
//
//	projects/KEY/source/   a copy of the build context, made anew by each build
//	projects/KEY/target/   what cargo keeps between builds of that project
//	projects/KEY.lock      held while one of them is used
//	cargo-home/            cargo's home, for users without one of their own
type rustBackend struct{ shelf.Keeper }

var (
	_ backend.Backend   = rustBackend{}
	_ backend.Store     = rustBackend{}
	_ backend.Recoverer = rustBackend{}
)

// Describe subtracts Rust where the toolchain is not complete, and names the
// one it found.
func (rustBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	r, err := findRust(ctx, "")
	if failure := (*backend.Failure)(nil); errors.As(err, &failure) {
		return &backendv1.DescribeResponse{Subtracted: []*backendv1.Subtraction{{
			Feature: featureRust, Reason: "no-rust-toolchain", Message: failure.Message, Alternative: failure.Help,
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &backendv1.DescribeResponse{Tools: []*irv1.KeyValue{{Key: toolName, Value: r.identity}}}, nil
}

// Build builds the one program that the options, or else the project, name.
func (rustBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	if err := accept(start); err != nil {
		return nil, err
	}
	machine, err := findRust(ctx, "")
	if err != nil {
		return nil, err
	}
	p, err := openProject(ctx, start)
	if err != nil {
		return nil, err
	}
	b := &build{Start: start, job: job, project: p}
	artifact, err := b.run(ctx, machine)
	return artifact, errors.Join(err, p.Close())
}

// accept refuses what the manifest does not promise.
func accept(start *backendv1.Start) error {
	wasm := start.GetBuild().GetWasm()
	switch {
	case wasm == nil:
		return backend.Sourcef(nil, "wasm-lang-rust builds WebAssembly modules, not container images")
	case wasm.GetLanguage() != "rust":
		return backend.Sourcef(nil, "wasm-lang-rust builds Rust, not language %q", wasm.GetLanguage())
	case wasm.GetTarget() != "preview1":
		return backend.Sourcef(nil, "wasm-lang-rust builds for target preview1, not %q", wasm.GetTarget())
	case len(start.GetContexts()) != 1:
		return fmt.Errorf("a WebAssembly build has one context, not %d", len(start.GetContexts()))
	}
	return nil
}
