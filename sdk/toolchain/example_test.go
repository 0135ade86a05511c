// SPDX-License-Identifier: Apache-2.0

package toolchain_test

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// language is what a build asks for.
const language = "zig"

// zig builds the main.zig of a project with the zig of the machine.
type zig struct{ shelf.Keeper }

// find returns the program and its version.
func (zig) find(ctx context.Context) (path, version string, err error) {
	path, err = toolchain.Find(language, "install Zig from https://ziglang.org/download")
	if err != nil {
		return "", "", err
	}
	version, err = toolchain.Ask(ctx, toolchain.Command{Path: path, Args: []string{"version"}, Env: toolchain.Environ("HOME")})
	return path, version, err
}

func (z zig) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	_, version, err := z.find(ctx)
	return toolchain.Describe(language, version, err)
}

func (z zig) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	project, err := toolchain.Accept(start, language)
	if err != nil {
		return nil, err
	}
	path, version, err := z.find(ctx)
	if err != nil {
		return nil, err
	}
	job.InputRead("tool", language, version)
	step := toolchain.Step{Job: job, Name: "zig build-exe"}
	return step.Make(ctx, start, func(ctx context.Context, dir string) (string, error) {
		module := filepath.Join(dir, "main.wasm")
		r := report{project: place.Project{Dir: project}}
		err := toolchain.Run(ctx, toolchain.Command{
			Path: path,
			Args: []string{
				"build-exe", "main.zig", "-target", "wasm32-wasi", "-femit-bin=" + module,
				"--cache-dir", filepath.Join(dir, "cache"), "--global-cache-dir", filepath.Join(start.GetStateDir(), "zig-cache"),
			},
			Dir: project, Env: toolchain.Environ("HOME"), Temp: start.GetTempDir(),
			Stdout: step.Show(false),
			Stderr: func(line []byte) { step.Show(true)(line); r.add(string(line)) },
		})
		return module, step.Failed(err, r.failure)
	})
}

// causes are what a user can do something about.
var causes = toolchain.Causes{
	{Says: "NoSpaceLeft", Kind: backendv1.FailureKind_FAILURE_KIND_MACHINE, Help: "free some disk space"},
}

// report collects what the compiler says.
type report struct {
	project  place.Project
	last     string
	findings []*backendv1.Finding
}

// add reads a line: "main.zig:3:5: error: expected ';'".
func (r *report) add(line string) {
	r.last = strings.TrimSpace(line)
	at, message, ok := place.Parse(r.last)
	if message, isError := strings.CutPrefix(message, "error: "); ok && isError {
		r.findings = append(r.findings, r.project.Finding(at, diag.Error(nil, "zig-compile", message)))
	}
}

func (r *report) failure() *backend.Failure {
	f := toolchain.FailureOf(r.last, r.findings)
	causes.Explain(f, r.last)
	return f
}

// A whole backend, for Zig. The function is its main.
func Example() {
	toolchain.Guard()
	serve.Main(zig{})
}
