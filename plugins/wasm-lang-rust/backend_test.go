// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/plugintest"
	"github.com/zlayer/zlayer/sdk/toolchain/toolchaintest"
)

func TestHello(t *testing.T) {
	s := kit.Start(t, toolchaintest.Project(t, hello()))
	built := kit.Tools(t, s)
	if want := []string{"rustc --version", "cargo metadata", "cargo build"}; !slices.Equal(built.Steps, want) {
		t.Errorf("steps %q, want %q", built.Steps, want)
	}
	if !strings.Contains(built.Output, "Compiling hello") {
		t.Errorf("the user saw %q", built.Output)
	}
	if built.Inputs["env RUSTFLAGS"] == "" || built.Inputs["env RUSTC"] == "" {
		t.Errorf("the build read %v", built.Inputs)
	}
	if got := output(t, s, "a", "b c"); got != "hello [\"a\", \"b c\"]\n" {
		t.Errorf("the module wrote %q", got)
	}
}

// TestFailures builds the projects in testdata, none of which can be built.
func TestFailures(t *testing.T) {
	t.Setenv("CARGO_NET_OFFLINE", "true")
	r, err := findRust(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(r.version, " (")
	kit.Failures(t, *update, version, "RUSTC")
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
	first := kit.Build(t, kit.Start(t, toolchaintest.Project(t, files)))
	t.Setenv("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0")
	t.Setenv("RUSTC_WRAPPER", "/nonexistent")
	s := kit.Start(t, toolchaintest.Project(t, files))
	s.StateDir = t.TempDir()
	second := kit.Build(t, s)
	if first.Artifact.GetHandle() != second.Artifact.GetHandle() {
		t.Errorf("two folders and two states give %s and %s", first.Artifact.GetHandle(), second.Artifact.GetHandle())
	}
	if bytes.Contains(first.Module, []byte(kit.State)) || bytes.Contains(first.Module, []byte("/.cargo/")) {
		t.Error("the module names a folder of this machine")
	}
}

// An older file takes the place of a newer one: cargo looks at times.
func TestNoStaleModule(t *testing.T) {
	dir := toolchaintest.Project(t, hello())
	main := filepath.Join(dir, "src", "main.rs")
	kit.Build(t, kit.Start(t, dir))
	if err := os.WriteFile(main, []byte("fn main() { println!(\"other\"); }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-24 * time.Hour)
	if err := os.Chtimes(main, old, old); err != nil {
		t.Fatal(err)
	}
	if got := output(t, kit.Start(t, dir)); got != "other\n" {
		t.Errorf("the module wrote %q", got)
	}
}

// The project is not written to, also when its build script does that.
func TestProjectIsNotWrittenTo(t *testing.T) {
	dir := toolchaintest.Project(t, hello(
		"build.rs", `fn main() {
    std::fs::write("src/generated.txt", "made").unwrap();
    std::fs::write("src/old.txt", "changed").unwrap();
}
`,
		"src/old.txt", "as it was",
		"src/main.rs", "fn main() { print!(\"{} {}\", include_str!(\"generated.txt\"), include_str!(\"old.txt\")); }\n",
	))
	if got := output(t, kit.Start(t, dir)); got != "made changed" {
		t.Errorf("the module wrote %q", got)
	}
}

// What the context hides is not there, nor is what a link leads to outside.
func TestOnlyTheContextIsSeen(t *testing.T) {
	dir := toolchaintest.Project(t, hello("src/bin/hidden.rs", "not Rust", "target/CACHEDIR.TAG", "not Rust", "target/huge", "not Rust"))
	if err := os.Symlink("/etc", filepath.Join(dir, "src", "etc")); err != nil {
		t.Fatal(err)
	}
	s := kit.Start(t, dir)
	s.Contexts[0].Ignore = []string{"src/bin"}
	if got := output(t, s); got != "hello []\n" {
		t.Errorf("the module wrote %q", got)
	}
}

func TestOptions(t *testing.T) {
	dir := toolchaintest.Project(t, map[string]string{
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
		if got := output(t, kit.Start(t, dir, test.options...)); got != test.want {
			t.Errorf("%q: the module wrote %q, want %q", test.options, got, test.want)
		}
	}
}

func TestDefaultRun(t *testing.T) {
	dir := toolchaintest.Project(t, hello(
		"Cargo.toml", strings.Replace(cargoToml, "[package]", "[package]\ndefault-run = \"other\"", 1),
		"src/bin/other.rs", "fn main() { print!(\"the other\"); }\n",
	))
	if got := output(t, kit.Start(t, dir)); got != "the other" {
		t.Errorf("the module wrote %q", got)
	}
}

// Warnings do not stop a build; one of a library that is built twice comes
// once.
func TestWarnings(t *testing.T) {
	built := kit.Build(t, kit.Start(t, toolchaintest.Project(t, hello("src/main.rs", "fn unused() {}\nfn main() {}\n"))))
	want := []string{"src/main.rs:1:4-1:10 warning rust-compile function `unused` is never used"}
	if !slices.Equal(built.Warnings, want) {
		t.Errorf("warnings %q, want %q", built.Warnings, want)
	}
}

func TestCancel(t *testing.T) {
	files := hello("build.rs", "fn main() { std::process::Command::new(\"sleep\").arg(\"6001\").status().unwrap(); }\n")
	sleepers := func() []string { return toolchaintest.Running(t, "sleep 6001") }
	kit.Cancel(t, kit.Start(t, toolchaintest.Project(t, files)), func() bool { return len(sleepers()) > 0 })
	if left := sleepers(); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
}

func TestArtifact(t *testing.T) {
	kit.Life(t, kit.Start(t, toolchaintest.Project(t, hello("src/main.rs", "fn main() { print!(\"another\"); }\n"))))
}

// Two builds of one project wait for each other; the second one can be
// cancelled while it does.
func TestTwoAtOnce(t *testing.T) {
	dir := toolchaintest.Project(t, hello())
	held, err := openProject(t.Context(), kit.Start(t, dir), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (rustBackend{}).Build(ctx, kit.Start(t, dir), &plugintest.Job{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Build = %v", err)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	kit.Build(t, kit.Start(t, dir))
}
