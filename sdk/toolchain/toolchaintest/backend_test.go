// SPDX-License-Identifier: Apache-2.0

package toolchaintest_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// zigBackend is a good backend whose compiler is a script on PATH.
type zigBackend struct{ shelf.Keeper }

func (zigBackend) find(ctx context.Context) (path, version string, err error) {
	if path, err = toolchain.Find("zig", "install Zig from https://ziglang.org/download"); err != nil {
		return "", "", err
	}
	version, err = toolchain.Ask(ctx, toolchain.Command{Path: path, Args: []string{"version"}})
	return path, version, err
}

func (z zigBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	_, version, err := z.find(ctx)
	return toolchain.Describe("zig", version, err)
}

func (z zigBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	project, err := toolchain.Accept(start, "zig")
	if err != nil {
		return nil, err
	}
	path, version, err := z.find(ctx)
	if err != nil {
		return nil, err
	}
	job.InputRead("tool", "zig", version)
	step := toolchain.Step{Job: job, Name: "zig build-exe"}
	return step.Make(ctx, start, func(ctx context.Context, dir string) (string, error) {
		module, last := filepath.Join(dir, "m"), ""
		err := toolchain.Run(ctx, toolchain.Command{
			Path: path, Args: []string{"build", module, toolchain.Option(start, "profile")}, Dir: project, Temp: start.GetTempDir(),
			Stdout: step.Show(false), Stderr: func(line []byte) { last = strings.TrimSpace(string(line)) },
		})
		return module, step.Failed(err, func() *backend.Failure {
			at, message, _ := place.Parse(last)
			src := &place.Project{Dir: project}
			return toolchain.FailureOf("", []*backendv1.Finding{src.Finding(at, diag.Error(nil, "zig-compile", message))})
		})
	})
}

// compiler is what works: main.zig is the program's module, written for printf.
const compiler = `case $1 in
version) echo 0.15.2;;
*)	echo "profile=$3"
	[ -f main.zig ] || { echo "$PWD: no main.zig" >&2; exit 1; }
	while read -r line; do case $line in error*) echo "main.zig:1:1: $line" >&2; exit 1;; esac; printf "$line" >"$2"; done <main.zig
esac`

// Modules, as the compiler reads them.
const (
	library = `\000asm\001\000\000\000` + "\n"
	command = `\000asm\001\000\000\000\007\012\001\006_start\000\000` + "\n"
)

// badBackend does something more than a good one, or something else.
type badBackend struct {
	zigBackend
	more    func(*backendv1.Start) error
	instead func(context.Context) error
}

func (b badBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	if b.instead != nil {
		return nil, b.instead(ctx)
	}
	artifact, err := b.zigBackend.Build(ctx, start, job)
	if b.more != nil {
		err = errors.Join(err, b.more(start))
	}
	if err != nil {
		return nil, err
	}
	return artifact, nil
}
