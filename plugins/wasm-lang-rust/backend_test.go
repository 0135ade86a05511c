// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
