// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

var updateWasm = flag.Bool("update-wasm", false, "rewrite the want sections of testdata/wasm")

// withRust lets the sandbox use this machine's Rust: what "make rust-wasm" made,
// or rustup's, which is found by the home folder.
func (s *sandbox) withRust() *sandbox {
	path := filepath.Join(s.repo, ".tools", "rust-wasm", "bin") + ":" + os.Getenv("PATH")
	s.env = append(s.env, "PATH="+path)
	if home, err := os.UserHomeDir(); err == nil && os.Getenv("RUSTUP_HOME") == "" {
		s.env = append(s.env, "RUSTUP_HOME="+filepath.Join(home, ".rustup"))
	}
	return s
}

// TestWasmPrograms builds the projects of testdata/wasm and runs what they make.
// An archive holds the project, the arguments, one a line, the files the program
// sees, and what it writes.
func TestWasmPrograms(t *testing.T) {
	archives, err := filepath.Glob("testdata/wasm/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(archives, err)
	}
	s := newSandbox(t).withRust()
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			for _, f := range archive.Files {
				place(t, dir, f)
			}
			project := filepath.Join(dir, "project")
			if _, err := s.try("build", project); err != nil {
				t.Fatal(stderrOf(err))
			}
			var args []string
			for _, f := range archive.Files {
				if f.Name == "args" {
					args = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
				}
			}
			got := runProgram(t, filepath.Join(project, "out.wasm"), filepath.Join(dir, "files"), args)
			last := &archive.Files[len(archive.Files)-1]
			if *updateWasm {
				last.Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// place writes a file of an archive.
func place(t *testing.T, dir string, f txtar.File) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f.Data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// runProgram runs a module that sees a folder as its root, and returns what it
// wrote.
func runProgram(t *testing.T, module, root string, args []string) string {
	t.Helper()
	code, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out, complaints bytes.Buffer
	config := wazero.NewModuleConfig().WithArgs(append([]string{"app"}, args...)...).
		WithFSConfig(wazero.NewFSConfig().WithDirMount(root, "/")).WithStdout(&out).WithStderr(&complaints)
	if _, err := r.InstantiateWithConfig(ctx, code, config); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	return out.String()
}

// A Rust module is the same from another folder and another state.
func TestWasmRustTwice(t *testing.T) {
	var digests []string
	for range 2 {
		s := newSandbox(t).withRust()
		s.env = append(s.env, "SOURCE_DATE_EPOCH=1700000000")
		dir := filepath.Join(t.TempDir(), "project")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", "wasm-rust"))); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, s.zlayer("build", dir))
	}
	if digests[0] != digests[1] {
		t.Errorf("two builds differ: %s, %s", digests[0], digests[1])
	}
}

// Without a toolchain nothing is started, and the build file is told.
func TestWasmWithoutRust(t *testing.T) {
	s := newSandbox(t)
	s.env = append(s.env, "PATH=/nonexistent")
	_, err := s.try("build", filepath.Join(s.repo, "examples", "wasm-rust"))
	got := stderrOf(err)
	for _, want := range []string{"ZImagefile:4:1: error:", "cargo is not on PATH", "https://rustup.rs", "rustup target add wasm32-wasip1"} {
		if !strings.Contains(got, want) {
			t.Errorf("nothing says %q:\n%s", want, got)
		}
	}
}

// However a build ends, the compiler and what it started end too.
func TestWasmKilled(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"rust": {
			"Cargo.toml":  "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
			"src/main.rs": "fn main() {}\n",
			"build.rs":    "fn main() { std::process::Command::new(\"sleep\").arg(\"6002\").status().unwrap(); }\n",
		},
		"go": {"go.mod": "module example.org/app\n\ngo 1.24\n", "main.go": "package main\n\nfunc main() { println() }\n"},
	} {
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
			t.Run(name+"/"+signal.String(), func(t *testing.T) { killWasm(t, files, signal) })
		}
	}
}

// killWasm builds until there is a compiler, then sends the host a signal.
func killWasm(t *testing.T, files map[string]string, signal syscall.Signal) {
	s := newSandbox(t).withRust()
	dir := t.TempDir()
	files["ZImagefile"] = "wasm: {target: preview1}\n"
	for name, content := range files {
		place(t, dir, txtar.File{Name: name, Data: []byte(content)})
	}
	// The compilers of a build are those that know its state folder.
	compilers := func() (list []process) {
		for _, p := range allProcesses() {
			program := filepath.Base(strings.Split(p.args+" ", " ")[0])
			if strings.Contains(p.environ, s.data) && (program == "sleep" || program == "compile") {
				list = append(list, p)
			}
		}
		return list
	}
	left := func() (list []process) {
		for _, p := range allProcesses() {
			if strings.Contains(p.environ, s.data) {
				list = append(list, p)
			}
		}
		return list
	}
	cmd := exec.Command(filepath.Join(s.repo, "bin", "zlayer"), "build", dir)
	var said output
	cmd.Env, cmd.Stderr = s.env, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !within(time.Minute, func() bool { return len(compilers()) > 0 }) {
		t.Errorf("there was no compiler:\n%s", said.String())
	}
	if err := cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !within(10*time.Second, func() bool { return len(left()) == 0 }) {
		t.Errorf("left behind: %v", left())
	}
}

// within waits for a condition.
func within(limit time.Duration, ok func() bool) bool {
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
