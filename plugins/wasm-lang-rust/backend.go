// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// language is what a build asks for, and the name of the tool in descriptions.
const language = "rust"

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
	return toolchain.Describe(language, r.identity, err)
}

// Build builds the one program that the options, or else the project, name.
func (rustBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	dir, err := toolchain.Accept(start, language)
	if err != nil {
		return nil, err
	}
	machine, err := findRust(ctx, "")
	if err != nil {
		return nil, err
	}
	p, err := openProject(ctx, start, dir)
	if err != nil {
		return nil, err
	}
	b := &build{Start: start, job: job, project: p}
	artifact, err := b.run(ctx, machine)
	return artifact, errors.Join(err, p.Close())
}
