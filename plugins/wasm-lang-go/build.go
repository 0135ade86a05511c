// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/wasm-lang-go/internal/tool"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// The steps of a build, in order.
const (
	stepVersion = iota
	stepList
	stepBuild
)

// build is one running build.
type build struct {
	*backendv1.Start
	events  backend.Job
	tool    goTool
	project string // the folder of the project, absolute
	staging string // the job's folder in the state folder
	env     []string
}

// run makes the module and keeps it.
func (b *build) run(ctx context.Context) (*backendv1.Artifact, error) {
	if err := checkProject(b.project); err != nil {
		return nil, err
	}
	if err := b.prepareEnv(ctx); err != nil {
		return nil, err
	}
	if err := b.step(ctx, stepVersion, "go version", b.version); err != nil {
		return nil, err
	}
	var pkg string
	if err := b.step(ctx, stepList, "go list", func(ctx context.Context) (err error) {
		pkg, err = b.mainPackage(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	module := filepath.Join(b.staging, "main.wasm")
	if err := b.step(ctx, stepBuild, "go build", func(ctx context.Context) error {
		return b.compile(ctx, pkg, module)
	}); err != nil {
		return nil, err
	}
	digest, size, err := modules(b.GetStateDir()).Put(module)
	if err != nil {
		return nil, err
	}
	blob := &backendv1.Blob{Digest: digest, Size: size, Ref: ref(stepBuild)}
	return &backendv1.Artifact{Handle: digest, Blobs: []*backendv1.Blob{blob}}, nil
}

// step reports the start and the good end of a step.
func (b *build) step(ctx context.Context, n uint32, name string, do func(context.Context) error) error {
	b.events.StepStarted(ref(n), name)
	if err := do(ctx); err != nil {
		return err
	}
	b.events.StepFinished(ref(n), false)
	return nil
}

func ref(step uint32) *backendv1.StepRef { return &backendv1.StepRef{Step: step} }

// prepareEnv computes the environment of all steps. GOENV=off: what the user
// wrote with go env -w counts only where settings says so.
func (b *build) prepareEnv(ctx context.Context) error {
	user, err := b.tool.userSettings(ctx)
	if err != nil {
		return err
	}
	if user["GOPATH"] == "" && user["GOMODCACHE"] == "" { // there is no HOME
		user["GOPATH"] = filepath.Join(b.GetStateDir(), "go-path")
		user["GOMODCACHE"] = filepath.Join(user["GOPATH"], "pkg", "mod")
	}
	temp := b.GetTempDir()
	b.env = append(pick(passed),
		"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GO111MODULE=on",
		"GOENV=off", "GOWORK="+workspace(b.project),
		"GOCACHE="+filepath.Join(b.GetStateDir(), "go-build"),
		"TMPDIR="+temp, "GOTMPDIR="+temp,
	)
	for _, key := range settings {
		b.env = append(b.env, key+"="+user[key])
	}
	b.events.InputRead("tool", "go", b.tool.identity())
	return nil
}

// workspace is the project's own go.work, or "off": one in a folder above is
// not part of the build context.
func workspace(project string) string {
	file := filepath.Join(project, "go.work")
	if _, err := os.Stat(file); err != nil {
		return "off"
	}
	return file
}

// command is one run of the go tool in the project.
func (b *build) command(args ...string) tool.Command {
	return tool.Command{Path: b.tool.path, Args: args, Dir: b.project, Env: b.env}
}

// show passes a line on to the user.
func (b *build) show(step uint32, stderr bool) func(line []byte) {
	return func(line []byte) { b.events.Output(ref(step), stderr, line) }
}

// version shows which Go builds. It is the project's choice (go.mod's "go" and
// "toolchain" lines), and may be fetched here.
func (b *build) version(ctx context.Context) error {
	var r report
	c := b.command("version")
	c.Stdout = b.show(stepVersion, false)
	c.Stderr = r.also(b.show(stepVersion, true))
	return b.failed(stepVersion, "go version", tool.Run(ctx, c), &r)
}

// compile builds the package. The flags make the module the same wherever the
// project's folder is, and leave out what only a debugger reads.
func (b *build) compile(ctx context.Context, pkg, module string) error {
	args := []string{"build", "-json", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", module}
	if b.GetNoCache() {
		args = append(args, "-a")
	}
	var r report
	c := b.command(append(args, pkg)...)
	c.Stdout = func(line []byte) {
		text, isLog := buildOutput(line)
		if !isLog {
			b.events.Output(ref(stepBuild), false, line)
		} else if len(text) > 0 {
			r.add(text)
			b.events.Output(ref(stepBuild), true, text)
		}
	}
	c.Stderr = r.also(b.show(stepBuild, true))
	return b.failed(stepBuild, "go build", tool.Run(ctx, c), &r)
}

// buildOutput reads one line of go build -json (go help buildjson). isLog is
// false for a line that is something else.
func buildOutput(line []byte) (text []byte, isLog bool) {
	var event struct{ Action, Output string }
	if json.Unmarshal(line, &event) != nil || event.Action == "" {
		return nil, false
	}
	return []byte(event.Output), true
}

// failed explains a run that ended badly, from what the tool said.
func (b *build) failed(step uint32, name string, err error, r *report) error {
	var exit *tool.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	f := r.failure(b.project)
	f.Ref, f.ExitCode = ref(step), exit.Code
	f.Message = fmt.Sprintf("%s: %s", name, f.Message)
	if exit.Code > 128 {
		f.Kind = backendv1.FailureKind_FAILURE_KIND_MACHINE
		f.Message = fmt.Sprintf("%s was %v", name, exit)
		f.Help = "see that the machine has enough memory"
	}
	return f
}
