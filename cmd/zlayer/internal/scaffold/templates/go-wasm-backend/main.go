// SPDX-License-Identifier: Apache-2.0

// A backend: it turns Go projects into WASI preview1 modules, with the go tool
// of the machine.
package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

func main() {
	toolchain.Guard()
	serve.Main(goBackend{})
}

// language is what a build asks for.
const language = "go"

// environment are the variables that the go tool gets from the user. The
// manifest lists the same.
var environment = []string{
	"PATH", "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOSUMDB", "GONOPROXY", "GOINSECURE", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
}

// goBackend keeps its modules on a shelf.
type goBackend struct{ shelf.Keeper }

// Describe says whether there is a go tool.
func (goBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	_, version, err := find(ctx)
	return toolchain.Describe(language, version, err)
}

// find returns the go tool and its version.
func find(ctx context.Context) (path, version string, err error) {
	path, err = toolchain.Find(language, "install Go from https://go.dev/dl and put its bin folder on PATH")
	if err != nil {
		return "", "", err
	}
	env := append(toolchain.Environ("PATH"), "GOTOOLCHAIN=local", "GOENV=off", "GOCACHE=off")
	version, err = toolchain.Ask(ctx, toolchain.Command{Path: path, Args: []string{"env", "GOVERSION"}, Env: env})
	return path, version, err
}

// Build builds the one program of a project.
func (goBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	project, err := toolchain.Accept(start, language)
	if err != nil {
		return nil, err
	}
	path, version, err := find(ctx)
	if err != nil {
		return nil, err
	}
	job.InputRead("tool", language, version)
	step := toolchain.Step{Job: job, Name: "go build"}
	flags, err := flagsOf(start)
	if err != nil {
		return nil, err
	}
	return step.Make(ctx, start, func(ctx context.Context, dir string) (string, error) {
		b := &build{Start: start, step: step, path: path, dir: filepath.Join(dir, "project")}
		if err := b.lay(ctx, project); err != nil {
			return "", err
		}
		program, err := b.program(ctx)
		if err != nil {
			return "", err
		}
		module := filepath.Join(dir, "main.wasm")
		args := slices.Concat([]string{"build", "-trimpath", "-buildvcs=false", "-o", module}, flags, []string{program})
		return module, b.run(ctx, step.Show(false), args...)
	})
}

// flagsOf are the flags that the options of a build ask for.
func flagsOf(start *backendv1.Start) (flags []string, err error) {
	if start.GetNoCache() {
		flags = append(flags, "-a")
	}
	switch profile := toolchain.Option(start, ir.WasmProfile); profile {
	case "", "release":
		return append(flags, "-ldflags=-s -w"), nil
	case "debug":
		return append(flags, "-gcflags=all=-N -l"), nil
	default:
		return nil, backend.Sourcef(nil, "there is no profile %q: there are release and debug", profile)
	}
}

// build is one running build.
type build struct {
	*backendv1.Start
	step toolchain.Step
	path string // of the go tool
	dir  string // where the project is laid
}

// run runs the go tool in the project. It writes to the state folder alone.
func (b *build) run(ctx context.Context, stdout func([]byte), args ...string) error {
	state := b.GetStateDir()
	r := newReport(b.dir)
	err := toolchain.Run(ctx, toolchain.Command{
		Path: b.path, Args: args, Dir: b.dir, Temp: b.GetTempDir(),
		Env: append(toolchain.Environ(environment...),
			"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOENV=off", "GOTOOLCHAIN=local", "GOFLAGS=-modcacherw", "GOWORK="+b.workspace(),
			"GOCACHE="+filepath.Join(state, "go-build"), "GOPATH="+filepath.Join(state, "go-path")),
		Stdout: stdout,
		Stderr: func(line []byte) { b.step.Show(true)(line); r.add(string(line)) },
	})
	return b.step.Failed(err, r.failure)
}

// workspace is the project's own go.work: one in a folder above is none of it.
func (b *build) workspace() string {
	file := filepath.Join(b.dir, "go.work")
	if _, err := os.Stat(file); err != nil {
		return "off"
	}
	return file
}
