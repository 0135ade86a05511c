// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// The steps of a build, in order.
const (
	stepVersion = iota
	stepList
	stepBuild
)

var stepNames = [...]string{stepVersion: "go version", stepList: "go list", stepBuild: "go build"}

// build is one running build.
type build struct {
	*backendv1.Start
	events  backend.Job
	tool    goTool
	project string // the folder of the project, absolute
	env     []string
	overlay []string // the flag that hides files; nil when there are none
}

// run makes the module and keeps it.
func (b *build) run(ctx context.Context) (*backendv1.Artifact, error) {
	if err := checkProject(b.project); err != nil {
		return nil, err
	}
	defer os.Remove(b.hidden())
	if err := b.hide(); err != nil {
		return nil, err
	}
	if err := b.prepareEnv(ctx); err != nil {
		return nil, err
	}
	if err := b.step(stepVersion).Do(ctx, b.version); err != nil {
		return nil, err
	}
	var pkg string
	if err := b.step(stepList).Do(ctx, func(ctx context.Context) (err error) {
		pkg, err = b.mainPackage(ctx)
		return err
	}); err != nil {
		return nil, err
	}
	return b.step(stepBuild).Make(ctx, b.Start, func(ctx context.Context, dir string) (string, error) {
		module := filepath.Join(dir, "main.wasm")
		return module, b.compile(ctx, pkg, module)
	})
}

func (b *build) step(n uint32) toolchain.Step {
	return toolchain.Step{Job: b.events, Number: n, Name: stepNames[n]}
}

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
	b.env = append(toolchain.Environ(passed...),
		"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GO111MODULE=on",
		"GOENV=off", "GOWORK="+workspace(b.project),
		"GOCACHE="+filepath.Join(b.GetStateDir(), "go-build"),
	)
	for _, key := range settings {
		b.env = append(b.env, key+"="+user[key])
	}
	b.events.InputRead("tool", language, b.tool.identity())
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
func (b *build) command(args ...string) toolchain.Command {
	return toolchain.Command{Path: b.tool.path, Args: args, Dir: b.project, Env: b.env, Temp: b.GetTempDir()}
}

// version shows which Go builds. It is the project's choice (go.mod's "go" and
// "toolchain" lines), and may be fetched here.
func (b *build) version(ctx context.Context) error {
	var r report
	c := b.command("version")
	step := b.step(stepVersion)
	c.Stdout = step.Show(false)
	c.Stderr = r.also(step.Show(true))
	return step.Failed(toolchain.Run(ctx, c), r.failure(b.project))
}

// compile builds the package. The flags make the module the same wherever the
// project's folder is.
func (b *build) compile(ctx context.Context, pkg, module string) error {
	args := slices.Concat([]string{"build", "-json", "-trimpath", "-buildvcs=false", "-o", module}, b.overlay, b.tags(), b.profile())
	if b.GetNoCache() {
		args = append(args, "-a")
	}
	var r report
	step := b.step(stepBuild)
	c := b.command(append(args, pkg)...)
	c.Stdout = func(line []byte) {
		text, isLog := buildOutput(line)
		if !isLog {
			step.Show(false)(line)
		} else if len(text) > 0 {
			r.add(text)
			step.Show(true)(text)
		}
	}
	c.Stderr = r.also(step.Show(true))
	return step.Failed(toolchain.Run(ctx, c), r.failure(b.project))
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
