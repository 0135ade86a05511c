// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// state is one state folder for all tests, so that Go's standard library is
// compiled once.
var state string

func TestMain(m *testing.M) {
	toolchain.Guard()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "wasm-lang-go-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		state = dir
		return m.Run()
	}())
}

const goMod = "module example.org/hello\n\ngo 1.24\n"

const helloGo = `package main

import (
	"fmt"
	"os"
)

func main() { fmt.Println("hello", os.Args[1:]) }
`

// project writes the files, path by content, into a new folder.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for path, text := range files {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// start asks for a build of the folder, with options written "name=value".
func start(t *testing.T, dir string, options ...string) *backendv1.Start {
	wasm := &irv1.ResolvedWasm{Language: "go", Target: "preview1"}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		wasm.Options = append(wasm.Options, &irv1.ResolvedWasmOption{Name: name, Values: []string{value}})
	}
	return &backendv1.Start{
		JobId:    strings.ReplaceAll(t.Name(), "/", "-"),
		Build:    &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: wasm}},
		Contexts: []*backendv1.Context{{Path: dir}},
		StateDir: state,
		TempDir:  t.TempDir(),
	}
}

// events records what a build reports.
type events struct {
	mu     sync.Mutex
	steps  []string
	inputs map[string]string
	output bytes.Buffer
}

var _ backend.Job = (*events)(nil)

func (e *events) StepStarted(_ *backendv1.StepRef, name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.steps = append(e.steps, name)
}

func (e *events) StepFinished(*backendv1.StepRef, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.steps = append(e.steps, "done")
}

func (e *events) Output(_ *backendv1.StepRef, _ bool, data []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.output.Write(data)
}

func (e *events) InputRead(kind, name, digest string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inputs == nil {
		e.inputs = map[string]string{}
	}
	e.inputs[kind+" "+name] = digest
}

func (*events) Progress(*backendv1.StepRef, string, int64, int64)            {}
func (*events) Warn(*backendv1.StepRef, *backendv1.Finding)                  {}
func (*events) Secret(context.Context, string) (_ []byte, _ bool, _ error)   { return }
func (*events) SSH(context.Context, string) (socket string, _ bool, _ error) { return }

// mustBuild builds the folder and exports the module.
func mustBuild(t *testing.T, s *backendv1.Start, e *events) (artifact *backendv1.Artifact, module []byte) {
	t.Helper()
	artifact, err := goBackend{}.Build(t.Context(), s, e)
	if err != nil {
		t.Fatalf("%v\n%s", err, e.output.String())
	}
	dir, digest := t.TempDir(), artifact.GetBlobs()[0].GetDigest()
	export := &backendv1.ExportRequest{StateDir: state, Handle: artifact.GetHandle(), Digests: []string{digest}, Directory: dir}
	if err := (goBackend{}).Export(t.Context(), export); err != nil {
		t.Fatal(err)
	}
	module, err = os.ReadFile(filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")))
	if err != nil {
		t.Fatal(err)
	}
	return artifact, module
}

// mustFail builds the folder and returns why it did not work.
func mustFail(t *testing.T, s *backendv1.Start, e *events) *backend.Failure {
	t.Helper()
	_, err := goBackend{}.Build(t.Context(), s, e)
	var f *backend.Failure
	if !errors.As(err, &f) {
		t.Fatalf("Build = %v, want a failure", err)
	}
	return f
}

// names lists a folder.
func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestHello(t *testing.T) {
	s, e := start(t, project(t, map[string]string{"go.mod": goMod, "main.go": helloGo})), &events{}
	artifact, module := mustBuild(t, s, e)
	if !bytes.HasPrefix(module, []byte("\x00asm\x01\x00\x00\x00")) || int64(len(module)) != artifact.GetBlobs()[0].GetSize() {
		t.Errorf("%d bytes that start with %q are not the promised module %v", len(module), module[:8], artifact)
	}
	if want := []string{"go version", "done", "go list", "done", "go build", "done"}; !slices.Equal(e.steps, want) {
		t.Errorf("steps %q, want %q", e.steps, want)
	}
	if !strings.HasPrefix(e.inputs["tool go"], "go1.") {
		t.Errorf("inputs %v do not name the go tool", e.inputs)
	}
	if left := append(names(t, filepath.Join(state, "jobs")), names(t, s.GetTempDir())...); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func TestSameSourceSameModule(t *testing.T) {
	files := map[string]string{"go.mod": goMod, "main.go": helloGo}
	first, _ := mustBuild(t, start(t, project(t, files)), &events{})
	t.Setenv("GOFLAGS", "-tags=other")
	t.Setenv("GOWASM", "signext")
	second, _ := mustBuild(t, start(t, project(t, files)), &events{})
	if first.GetHandle() != second.GetHandle() {
		t.Errorf("two folders give %s and %s", first.GetHandle(), second.GetHandle())
	}
}

func TestProjectIsNotWrittenTo(t *testing.T) {
	files := map[string]string{
		"go.mod":  goMod + "\nrequire github.com/google/go-cmp v0.7.0\n",
		"main.go": "package main\n\nimport \"github.com/google/go-cmp/cmp\"\n\nfunc main() { cmp.Diff(1, 2) }\n",
	}
	dir := project(t, files)
	f := mustFail(t, start(t, dir), &events{})
	if !strings.Contains(f.Help, "go mod tidy") {
		t.Errorf("help %q does not name go mod tidy", f.Help)
	}
	got := map[string]string{}
	if err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			text, _ := os.ReadFile(filepath.Join(dir, path))
			got[path] = string(text)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(files, got); diff != "" {
		t.Error(diff)
	}
}

func TestMainInCmd(t *testing.T) {
	mustBuild(t, start(t, project(t, map[string]string{
		"go.mod": goMod, "lib.go": "package hello\n", "cmd/only/main.go": helloGo, "cmd/doc/doc.go": "package doc\n",
	})), &events{})
}

func TestOptions(t *testing.T) {
	dir := project(t, map[string]string{
		"go.mod": goMod, "cmd/a/main.go": helloGo, "cmd/b/main.go": "package main\n\nfunc main() { undefined() }\n",
		"cmd/b/extra.go": "//go:build extra\n\npackage main\n\nfunc undefined() { println(\"extra\") }\n",
		"lib/lib.go":     "package lib\n",
	})
	_, small := mustBuild(t, start(t, dir, "package=cmd/a"), &events{})
	_, big := mustBuild(t, start(t, dir, "package=./cmd/a", "profile=debug"), &events{})
	if len(big) <= len(small) {
		t.Errorf("%d bytes to debug, %d to release", len(big), len(small))
	}
	mustBuild(t, start(t, dir, "features=extra", "package=cmd/b"), &events{})
	for option, want := range map[string]string{
		"package=lib": "./lib is not a main package", "package=none": "./none is not a main package", "package=../x": "not in the project",
		"profile=small": "no profile", "features=a,b": "not a build tag", "package=cmd/b": "undefined",
	} {
		if f := mustFail(t, start(t, dir, option), &events{}); !strings.Contains(f.Message, want) {
			t.Errorf("%s: %s", option, f.Message)
		}
	}
}

func TestArtifactIsKeptUntilRemoved(t *testing.T) {
	artifact, _ := mustBuild(t, start(t, project(t, map[string]string{
		"go.mod": goMod, "main.go": "package main\n\nfunc main() { println(\"another\") }\n",
	})), &events{})
	has := func() bool {
		ok, err := goBackend{}.Has(t.Context(), &backendv1.HasRequest{StateDir: state, Handle: artifact.GetHandle()})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !has() {
		t.Error("it is gone at once")
	}
	remove := &backendv1.RemoveRequest{StateDir: state, Handles: []string{artifact.GetHandle()}}
	if err := (goBackend{}).Remove(t.Context(), remove); err != nil || has() {
		t.Errorf("it is still there after Remove = %v", err)
	}
}

func TestCancel(t *testing.T) {
	s := start(t, project(t, map[string]string{"go.mod": goMod, "main.go": helloGo}))
	s.NoCache = true // so that it takes a while
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // until go build has made its work folder
		for len(names(t, s.GetTempDir())) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := (goBackend{}).Build(ctx, s, &events{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Build = %v, want that it was cancelled", err)
	}
	if left := names(t, filepath.Join(state, "jobs")); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

func TestRecover(t *testing.T) {
	dir := filepath.Join(state, "jobs", "dead")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := &backendv1.RecoverRequest{StateDir: state, JobIds: []string{"dead", "never-lived"}}
	for range 2 {
		if err := (goBackend{}).Recover(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead job's folder: %v", err)
	}
	r.JobIds = []string{"../modules"}
	if err := (goBackend{}).Recover(t.Context(), r); err == nil {
		t.Error("a job id may leave the folder of jobs")
	}
}

func TestMachineWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	f := mustFail(t, start(t, project(t, map[string]string{"go.mod": goMod, "main.go": helloGo})), &events{})
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || !strings.Contains(f.Help, "https://go.dev/dl") {
		t.Errorf("%v: %s; %s", f.Kind, f.Message, f.Help)
	}
	got, err := goBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 1 {
		t.Errorf("Describe = %v, %v; want Go subtracted", got, err)
	}
}

func TestMachineWithOldGo(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho go1.23.4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	f := mustFail(t, start(t, project(t, map[string]string{"go.mod": goMod, "main.go": helloGo})), &events{})
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || !strings.Contains(f.Message, "go1.23.4") {
		t.Errorf("%v: %s", f.Kind, f.Message)
	}
}

func TestTooOld(t *testing.T) {
	for version, want := range map[string]bool{
		"go1.23.12": true, "go1.24": false, "go1.24rc1": false, "go1.26.8": false, "go1.26.8 X:jsonv2": false,
		"go1.23.4-custom": true, "devel go1.27-0123abc Mon": false, "": false,
	} {
		if got := tooOld(version); got != want {
			t.Errorf("tooOld(%q) = %v", version, got)
		}
	}
}

// The host compares the tools of a description with what an earlier build read.
func TestDescribeNamesTheToolAsBuildDoes(t *testing.T) {
	got, err := goBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 0 || len(got.GetTools()) != 1 {
		t.Fatalf("Describe = %v, %v", got, err)
	}
	e := &events{}
	mustBuild(t, start(t, project(t, map[string]string{"go.mod": goMod, "main.go": helloGo})), e)
	if tool := got.GetTools()[0]; e.inputs["tool "+tool.GetKey()] != tool.GetValue() {
		t.Errorf("the build read %v, the machine has %v", e.inputs, tool)
	}
}

// The manifest is valid and names every variable the code reads, since a
// backend gets no others.
func TestManifest(t *testing.T) {
	text, err := os.ReadFile("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	var m manifest.Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	m.Files[0].Digest = "sha256:" + strings.Repeat("0", 64) // the bundler's part
	if err := m.Validate(); err != nil {
		t.Error(err)
	}
	want := map[string]bool{"GOENV": true}
	for _, key := range slices.Concat(passed, settings) {
		want[key] = true
	}
	got := slices.Sorted(slices.Values(m.Environment))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), got); diff != "" {
		t.Error(diff)
	}
	for _, f := range append(m.Capabilities.Features, featureGo) {
		if _, ok := ir.LookupFeature(f); !ok {
			t.Errorf("there is no feature %q", f)
		}
	}
}
