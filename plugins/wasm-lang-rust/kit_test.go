// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// state is one state folder for all tests.
var state string

func TestMain(m *testing.M) {
	toolchain.Guard()
	wrapRustc()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "wasm-lang-rust-test-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		state = dir
		useFetchedToolchain()
		return m.Run()
	}())
}

// useFetchedToolchain puts what "make rust-wasm" made first on PATH, where it
// made something.
func useFetchedToolchain() {
	bin, err := filepath.Abs("../../.tools/rust-wasm/bin")
	if err != nil {
		panic(err)
	}
	if _, err := os.Stat(filepath.Join(bin, "rustc")); err == nil {
		os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
}

const cargoToml = "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"

const helloRust = `fn main() {
    println!("hello {:?}", std::env::args().skip(1).collect::<Vec<_>>());
}
`

// hello are the files of a project that says hello.
func hello() map[string]string {
	return map[string]string{"Cargo.toml": cargoToml, "src/main.rs": helloRust}
}

// write writes the files, path by content, into a new folder.
func write(t *testing.T, files map[string]string) string {
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
	wasm := &irv1.ResolvedWasm{Language: "rust", Target: "preview1"}
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
	mu       sync.Mutex
	steps    []string
	inputs   map[string]string
	warnings []string
	output   bytes.Buffer
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

func (e *events) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.output.String()
}

func (e *events) InputRead(kind, name, digest string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.inputs == nil {
		e.inputs = map[string]string{}
	}
	e.inputs[kind+" "+name] = digest
}

func (e *events) Warn(_ *backendv1.StepRef, f *backendv1.Finding) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.warnings = append(e.warnings, diag.Line(f.GetFile(), f.GetDiagnostic()))
}

func (*events) Progress(*backendv1.StepRef, string, int64, int64)            {}
func (*events) Secret(context.Context, string) (_ []byte, _ bool, _ error)   { return }
func (*events) SSH(context.Context, string) (socket string, _ bool, _ error) { return }

// mustBuild builds the folder and exports the module.
func mustBuild(t *testing.T, s *backendv1.Start, e *events) (artifact *backendv1.Artifact, module []byte) {
	t.Helper()
	artifact, err := rustBackend{}.Build(t.Context(), s, e)
	if err != nil {
		t.Fatalf("%v\n%s", err, e.text())
	}
	dir, digest := t.TempDir(), artifact.GetBlobs()[0].GetDigest()
	export := &backendv1.ExportRequest{StateDir: s.GetStateDir(), Handle: artifact.GetHandle(), Digests: []string{digest}, Directory: dir}
	if err := (rustBackend{}).Export(t.Context(), export); err != nil {
		t.Fatal(err)
	}
	module, err = os.ReadFile(filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")))
	if err != nil {
		t.Fatal(err)
	}
	return artifact, module
}

// output builds the folder, runs the module and returns what it wrote.
func output(t *testing.T, s *backendv1.Start, args ...string) string {
	t.Helper()
	_, module := mustBuild(t, s, &events{})
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(append([]string{"program"}, args...)...).WithStdout(&out)
	if _, err := r.InstantiateWithConfig(ctx, module, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatal(err)
	}
	return out.String()
}

// mustFail builds the folder and returns why it did not work.
func mustFail(t *testing.T, s *backendv1.Start, e *events) *backend.Failure {
	t.Helper()
	_, err := rustBackend{}.Build(t.Context(), s, e)
	var f *backend.Failure
	if !errors.As(err, &f) {
		t.Fatalf("Build = %v, want a failure", err)
	}
	return f
}

// names lists a folder.
func names(dir string) (list []string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// sleepers returns the process ids of "sleep N".
func sleepers(n string) (ids []string) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range found {
		if text, err := os.ReadFile(file); err == nil && strings.HasSuffix(string(text), "sleep\x00"+n+"\x00") {
			ids = append(ids, filepath.Base(filepath.Dir(file)))
		}
	}
	return ids
}
