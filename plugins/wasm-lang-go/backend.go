// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// language is what a build asks for, and the name of the tool in descriptions.
const language = "go"

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
	return toolchain.Describe(language, g.identity(), err)
}

// Build builds the main package that the options name, or the only one.
func (goBackend) Build(ctx context.Context, start *backendv1.Start, events backend.Job) (*backendv1.Artifact, error) {
	project, err := toolchain.Accept(start, language)
	if err != nil {
		return nil, err
	}
	if err := acceptOptions(start); err != nil {
		return nil, err
	}
	g, err := findGo(ctx)
	if err != nil {
		return nil, err
	}
	b := &build{Start: start, events: events, tool: g, project: project}
	return b.run(ctx)
}
