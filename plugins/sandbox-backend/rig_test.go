// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

// rig is a backend on test, with folders of its own and a driver that runs
// nothing.
type rig struct {
	t       testing.TB
	backend *sandbox
	driver  *fake
	state   string
	context string
	images  string
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, driver: &fake{}, state: t.TempDir(), context: t.TempDir(), images: t.TempDir()}
	r.backend = newSandbox(settings{})
	r.backend.driver, r.backend.broken, r.backend.commands = r.driver, nil, 4
	return r
}

// write puts files, path by content, into the context.
func (r *rig) write(files map[string]string) {
	r.t.Helper()
	for name, text := range files {
		path := filepath.Join(r.context, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) start(stages ...*irv1.ResolvedStage) *backendv1.Start {
	return r.startIn(r.t.TempDir(), stages...)
}

// startIn is start with a folder for the job.
func (r *rig) startIn(temp string, stages ...*irv1.ResolvedStage) *backendv1.Start {
	c := &irv1.ResolvedContainer{Stages: stages, Contexts: []string{""}}
	b := &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Container{Container: c}}
	b.Features = ir.Features(b)
	return &backendv1.Start{
		Build: b, StateDir: r.state, TempDir: temp, ImagesDir: r.images, JobId: "job",
		Contexts: []*backendv1.Context{{Path: r.context}},
	}
}

// build builds, and checks what the specification asks for.
func (r *rig) build(stages ...*irv1.ResolvedStage) *plugintest.Built {
	r.t.Helper()
	return plugintest.Build(r.t, r.backend, r.start(stages...), nil)
}

// must is build of what must go well.
func (r *rig) must(stages ...*irv1.ResolvedStage) *plugintest.Built {
	r.t.Helper()
	built := r.build(stages...)
	if built.Err != nil {
		r.t.Fatal(built.Err)
	}
	return built
}

// leftovers are the files of jobs that are still in the state folder.
func (r *rig) leftovers() []string {
	list, err := os.ReadDir(filepath.Join(r.state, "jobs"))
	if err != nil {
		r.t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

// fake is a driver whose commands are functions of the test, by the first
// word of their argv. Others write a file of that name.
type fake struct {
	mu       sync.Mutex
	commands map[string]func(context.Context, driver.Command) ([]layer.Entry, error)
	ran      []driver.Command
}

var _ driver.Driver = (*fake)(nil)

func (*fake) Describe(context.Context) (*backendv1.DescribeResponse, error) {
	return &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{
		Platform: platform, Run: backendv1.RunMode_RUN_MODE_NATIVE,
	}}}, nil
}

func (*fake) Recover(context.Context, string) error { return nil }

func (f *fake) Run(ctx context.Context, c driver.Command) (*layer.Layer, error) {
	f.mu.Lock()
	f.ran = append(f.ran, c)
	command := f.commands[c.Exec.Argv[0]]
	f.mu.Unlock()
	if command == nil {
		command = func(context.Context, driver.Command) ([]layer.Entry, error) {
			return []layer.Entry{file(c.Exec.Argv[0], strings.Join(c.Exec.Argv, " "))}, nil
		}
	}
	entries, err := command(ctx, c)
	if len(entries) == 0 || err != nil {
		return nil, err
	}
	w, err := os.Create(c.Layer)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return layer.Write(w, entries)
}

// on says what a command does.
func (f *fake) on(name string, do func(context.Context, driver.Command) ([]layer.Entry, error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.commands == nil {
		f.commands = map[string]func(context.Context, driver.Command) ([]layer.Entry, error){}
	}
	f.commands[name] = do
}

// calls lists the first words of the commands that ran since the last call.
func (f *fake) calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, c := range f.ran {
		names = append(names, c.Exec.Argv[0])
	}
	f.ran = nil
	slices.Sort(names)
	return names
}

func file(name, text string) layer.Entry {
	return layer.Entry{
		Change: tree.Change{Op: tree.Put, Name: name, Node: &tree.Node{Kind: tree.File, Mode: 0o644, Size: int64(len(text))}},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

var platform = &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}

// The parts of a build.

func stage(base *irv1.Input, steps ...*irv1.ResolvedStep) *irv1.ResolvedStage {
	return &irv1.ResolvedStage{Name: "test", Base: base, Platform: platform, Steps: steps, Config: &irv1.ImageConfig{}}
}

func scratch() *irv1.Input { return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH} }
func context0() *irv1.Input {
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_CONTEXT}
}
func stageInput(n uint32) *irv1.Input {
	return &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_STAGE, Index: n}
}

func transferStep(t *irv1.Transfer) *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Text: "COPY", Op: &irv1.ResolvedStep_Transfer{Transfer: t}}
}

func copyFiles(destination string, sources ...string) *irv1.ResolvedStep {
	return transferStep(&irv1.Transfer{From: context0(), Sources: sources, Destination: destination})
}

func copyFrom(from *irv1.Input, destination string, sources ...string) *irv1.ResolvedStep {
	return transferStep(&irv1.Transfer{From: from, Sources: sources, Destination: destination})
}

func workdir(path string) *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Text: "WORKDIR", Op: &irv1.ResolvedStep_MakeDir{MakeDir: &irv1.MakeDir{Path: path}}}
}

func metadata() *irv1.ResolvedStep {
	return &irv1.ResolvedStep{Text: "LABEL", Op: &irv1.ResolvedStep_Metadata{Metadata: &irv1.Metadata{}}}
}

func run(argv ...string) *irv1.ResolvedStep { return runWith(&irv1.Exec{Argv: argv}) }

func runWith(e *irv1.Exec) *irv1.ResolvedStep {
	if e.Workdir == "" {
		e.Workdir = "/"
	}
	return &irv1.ResolvedStep{Text: "RUN", Op: &irv1.ResolvedStep_Exec{Exec: e}}
}

// steps says which steps of a build ran, "stage.step" by "ran" or "cached".
func steps(built *plugintest.Built) map[string]string {
	all := map[string]string{}
	for _, e := range built.Events {
		if f := e.GetStepFinished(); f != nil {
			how := "ran"
			if f.Cached {
				how = "cached"
			}
			all[fmt.Sprintf("%d.%d", f.Ref.GetStage(), f.Ref.GetStep())] = how
		}
	}
	return all
}

// ran lists the steps that were not cached.
func ran(built *plugintest.Built) []string {
	var list []string
	for step, how := range steps(built) {
		if how == "ran" {
			list = append(list, step)
		}
	}
	slices.Sort(list)
	return list
}

// contents lists the entries of an artifact's blobs, each blob in brackets.
func contents(t *testing.T, built *plugintest.Built) string {
	t.Helper()
	var out strings.Builder
	for _, b := range built.Artifact.Blobs {
		out.WriteString("[")
		tr := tar.NewReader(bytes.NewReader(built.Blobs[b.Digest]))
		for sep := ""; ; sep = " " {
			h, err := tr.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%s%s", sep, h.Name)
			if len(text) > 0 {
				fmt.Fprintf(&out, "=%s", text)
			}
		}
		out.WriteString("]")
	}
	return out.String()
}

// written is how many bytes are below a folder.
func written(t testing.TB, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
