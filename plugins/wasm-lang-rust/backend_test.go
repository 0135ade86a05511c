// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
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

func TestHello(t *testing.T) {
	s, e := start(t, write(t, hello())), &events{}
	artifact, module := mustBuild(t, s, e)
	if !bytes.HasPrefix(module, []byte("\x00asm\x01\x00\x00\x00")) || int64(len(module)) != artifact.GetBlobs()[0].GetSize() {
		t.Errorf("%d bytes that start with %q are not the promised module %v", len(module), module[:8], artifact)
	}
	if want := []string{"rustc --version", "done", "cargo metadata", "done", "cargo build", "done"}; !slices.Equal(e.steps, want) {
		t.Errorf("steps %q, want %q", e.steps, want)
	}
	if !strings.Contains(e.text(), "Compiling hello") {
		t.Errorf("the user saw %q", e.text())
	}
	if left := append(names(filepath.Join(state, "jobs")), names(s.GetTempDir())...); left != nil {
		t.Errorf("left behind: %q", left)
	}
	if got := output(t, s, "a", "b c"); got != "hello [\"a\", \"b c\"]\n" {
		t.Errorf("the module wrote %q", got)
	}
}

// A panic names a file, and a macro the project's folder: both are in modules.
const panicky = `fn main() {
    println!("{}", file!());
    dep::check(std::env::args().count());
}
`

func TestSameSourceSameModule(t *testing.T) {
	files := map[string]string{
		"Cargo.toml":     cargoToml + "[dependencies]\ndep = {path = \"dep\"}\n",
		"src/main.rs":    panicky,
		"dep/Cargo.toml": strings.Replace(cargoToml, "hello", "dep", 1),
		"dep/src/lib.rs": "pub fn check(n: usize) { assert!(n < 5, \"too many\") }\n",
	}
	first, module := mustBuild(t, start(t, write(t, files)), &events{})
	t.Setenv("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
	t.Setenv("RUSTC_WRAPPER", "/nonexistent")
	s := start(t, write(t, files))
	s.StateDir = t.TempDir()
	second, _ := mustBuild(t, s, &events{})
	if first.GetHandle() != second.GetHandle() {
		t.Errorf("two folders and two states give %s and %s", first.GetHandle(), second.GetHandle())
	}
	if bytes.Contains(module, []byte(state)) || bytes.Contains(module, []byte("/.cargo/")) {
		t.Error("the module names a folder of this machine")
	}
}

// An older file takes the place of a newer one: cargo looks at times.
func TestNoStaleModule(t *testing.T) {
	dir := write(t, hello())
	main := filepath.Join(dir, "src", "main.rs")
	mustBuild(t, start(t, dir), &events{})
	if err := os.WriteFile(main, []byte("fn main() { println!(\"other\"); }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(main, old, old); err != nil {
		t.Fatal(err)
	}
	if got := output(t, start(t, dir)); got != "other\n" {
		t.Errorf("the module wrote %q", got)
	}
}

// The project is neither written to nor needs to be writable, also when its
// build script writes into it.
func TestProjectIsNotWrittenTo(t *testing.T) {
	files := hello()
	files["build.rs"] = `fn main() {
    std::fs::write("src/generated.txt", "made").unwrap();
    std::fs::write("src/old.txt", "changed").unwrap();
}
`
	files["src/old.txt"] = "as it was"
	files["src/main.rs"] = "fn main() { print!(\"{} {}\", include_str!(\"generated.txt\"), include_str!(\"old.txt\")); }\n"
	dir := write(t, files)
	if got := output(t, start(t, dir)); got != "made changed" {
		t.Errorf("the module wrote %q", got)
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

// What the context hides is not there, nor is what a link leads to outside.
func TestOnlyTheContextIsSeen(t *testing.T) {
	dir := write(t, hello())
	for _, bad := range []string{"src/bin/hidden.rs", "target/CACHEDIR.TAG", "target/huge"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(bad)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, bad), []byte("not Rust"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "src", "etc")); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir)
	s.Contexts[0].Ignore = []string{"src/bin"}
	if got := output(t, s); got != "hello []\n" {
		t.Errorf("the module wrote %q", got)
	}
}

func TestOptions(t *testing.T) {
	dir := write(t, map[string]string{
		"Cargo.toml":       "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"2\"\n[profile.small]\ninherits = \"release\"\nopt-level = \"z\"\n",
		"a/Cargo.toml":     strings.Replace(cargoToml, "hello", "a", 1),
		"a/src/main.rs":    "fn main() { print!(\"a\"); }\n",
		"b/Cargo.toml":     strings.Replace(cargoToml, "hello", "b", 1) + "[features]\ndefault = [\"usual\"]\nusual = []\nextra = []\n",
		"b/src/bin/one.rs": "fn main() { print!(\"one\"); }\n",
		"b/src/bin/two.rs": `fn main() {
    print!("{} {} {} {:?}", cfg!(feature = "usual"), cfg!(feature = "extra"), cfg!(debug_assertions), option_env!("COLOUR"));
}
`,
	})
	for _, test := range []struct {
		options []string
		want    string
	}{
		{[]string{"package=a"}, "a"},
		{[]string{"program=one"}, "one"},
		{[]string{"program=two"}, "true false false None"},
		{[]string{"package=b", "profile=debug", "program=two"}, "true false true None"},
		{[]string{"profile=small", "program=two"}, "true false false None"},
		{[]string{"build-args=COLOUR=red", "default-features=false", "features=extra", "package=b", "program=two"}, `false true false Some("red")`},
	} {
		if got := output(t, start(t, dir, test.options...)); got != test.want {
			t.Errorf("%q: the module wrote %q, want %q", test.options, got, test.want)
		}
	}
}

func TestDefaultRun(t *testing.T) {
	files := hello()
	files["Cargo.toml"] = strings.Replace(cargoToml, "[package]", "[package]\ndefault-run = \"other\"", 1)
	files["src/bin/other.rs"] = "fn main() { print!(\"the other\"); }\n"
	if got := output(t, start(t, write(t, files))); got != "the other" {
		t.Errorf("the module wrote %q", got)
	}
}

// Warnings do not stop a build; one of a library that is built twice comes
// once.
func TestWarnings(t *testing.T) {
	files := hello()
	files["src/main.rs"] = "fn unused() {}\nfn main() {}\n"
	e := &events{}
	mustBuild(t, start(t, write(t, files)), e)
	want := []string{"src/main.rs:1:4-1:10 warning rust-compile function `unused` is never used"}
	if diff := cmp.Diff(want, e.warnings); diff != "" {
		t.Error(diff)
	}
}

func TestCancel(t *testing.T) {
	files := hello()
	files["build.rs"] = "fn main() { std::process::Command::new(\"sleep\").arg(\"6001\").status().unwrap(); }\n"
	s, e := start(t, write(t, files)), &events{}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil && len(sleepers("6001")) == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := (rustBackend{}).Build(ctx, s, e); !errors.Is(err, context.Canceled) {
		t.Errorf("Build = %v, want that it was cancelled", err)
	}
	if left := sleepers("6001"); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
	if left := append(names(filepath.Join(state, "jobs")), names(s.GetTempDir())...); left != nil {
		t.Errorf("left behind: %q", left)
	}
}

// Two builds of one project wait for each other; the second one can be
// cancelled while it does.
func TestTwoAtOnce(t *testing.T) {
	dir := write(t, hello())
	held, err := openProject(t.Context(), start(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (rustBackend{}).Build(ctx, start(t, dir), &events{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Build = %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	mustBuild(t, start(t, dir), &events{})
}

func TestMachineWithoutRust(t *testing.T) {
	s := start(t, write(t, hello()))
	t.Setenv("PATH", t.TempDir())
	f := mustFail(t, s, &events{})
	if f.Kind != backendv1.FailureKind_FAILURE_KIND_MACHINE || !strings.Contains(f.Help, "https://rustup.rs") {
		t.Errorf("%v: %s; %s", f.Kind, f.Message, f.Help)
	}
	got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 1 {
		t.Errorf("Describe = %v, %v; want Rust subtracted", got, err)
	}
}

// A toolchain as rustup makes it, without the target.
func TestMachineWithoutTarget(t *testing.T) {
	for _, test := range []struct {
		rustup  bool
		version string
		message string
		help    string
	}{
		{true, "1.95.0", "has no standard library for wasm32-wasip1", "run: rustup target add wasm32-wasip1 --toolchain stable-x"},
		{false, "1.95.0", "has no standard library for wasm32-wasip1", "libstd-rust-dev-wasm32"},
		{false, "1.63.0", "Rust 1.78 or newer is needed", "https://rustup.rs"},
	} {
		dir := t.TempDir()
		script := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		script("cargo", "echo cargo 1.0.0\n")
		script("rustc", "case $1 in -vV) echo 'rustc "+test.version+" (x)';; *) echo /r/toolchains/stable-x/lib/rustlib/wasm32-wasip1/lib;; esac\n")
		if test.rustup {
			script("rustup", "")
		}
		t.Setenv("PATH", dir)
		got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
		if err != nil || len(got.GetSubtracted()) == 0 {
			t.Fatalf("Describe = %v, %v", got, err)
		}
		if s := got.GetSubtracted()[0]; !strings.Contains(s.GetMessage(), test.message) || !strings.Contains(s.GetAlternative(), test.help) {
			t.Errorf("%+v: %s; %s", test, s.GetMessage(), s.GetAlternative())
		}
	}
}

// The host compares the tools of a description, and variables, with what an
// earlier build read.
func TestDescribeNamesTheToolAsBuildDoes(t *testing.T) {
	got, err := rustBackend{}.Describe(t.Context(), &backendv1.DescribeRequest{StateDir: state})
	if err != nil || len(got.GetSubtracted()) != 0 || len(got.GetTools()) != 1 {
		t.Fatalf("Describe = %v, %v", got, err)
	}
	e := &events{}
	mustBuild(t, start(t, write(t, hello())), e)
	if tool := got.GetTools()[0]; e.inputs["tool "+tool.GetKey()] != tool.GetValue() {
		t.Errorf("the build read %v, the machine has %v", e.inputs, tool)
	}
	if e.inputs["env RUSTFLAGS"] == "" || e.inputs["env RUSTC"] == "" {
		t.Errorf("the build read %v", e.inputs)
	}
}

func TestOldProjectsAreDropped(t *testing.T) {
	all := t.TempDir()
	old, own := filepath.Join(all, "old"), filepath.Join(all, "own")
	long := time.Now().Add(-2 * keepTargets)
	for _, dir := range []string{old, own, filepath.Join(all, "new")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{old, own} {
		if err := os.Chtimes(dir, long, long); err != nil {
			t.Fatal(err)
		}
	}
	dropOld(all, own)
	if got := names(all); slices.Contains(got, "old") || !slices.Contains(got, "new") || !slices.Contains(got, "own") {
		t.Errorf("kept %q", got)
	}
}

// The manifest is valid and names every variable and feature of the code.
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
	want := slices.Sorted(slices.Values(append(slices.Clone(passed), rustcVariable)))
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.Environment))); diff != "" {
		t.Error(diff)
	}
	for _, f := range append(m.Capabilities.Features, featureRust) {
		if _, ok := ir.LookupFeature(f); !ok {
			t.Errorf("there is no feature %q", f)
		}
	}
}
