// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// secret puts a file into the user's home that no plugin declares, and returns
// its path. The home is that of the sandbox.
func (s *sandbox) secret(name string) string {
	s.t.Helper()
	path := filepath.Join(filepath.Dir(s.data), name)
	write(s.t, path, "secret")
	return path
}

// nosy is a build script that says in the program whether it could read a file
// of the user's.
const nosy = `fn main() {
    let got = match std::fs::read("SECRET") { Ok(_) => "read it".into(), Err(e) => format!("{:?}", e.kind()) };
    println!("cargo:rustc-env=GOT={got}");
}
`

// Whatever a toolchain runs of a project, it sees nothing of the user's but
// what the backend declares; and real projects build all the same.
func TestToolchainsAreConfined(t *testing.T) {
	t.Run("rust", func(t *testing.T) {
		s, dir := newSandbox(t).withRust(), filepath.Join(t.TempDir(), "project")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", "wasm-rust"))); err != nil {
			t.Fatal(err)
		}
		place(t, dir, txtar.File{Name: "build.rs", Data: []byte(strings.ReplaceAll(nosy, "SECRET", s.secret(".token")))})
		place(t, dir, txtar.File{Name: "src/main.rs", Data: []byte("fn main() { print!(\"{}\", env!(\"GOT\")); }\n")})
		s.zlayer("build", dir)
		if got := runProgram(t, filepath.Join(dir, "greet.wasm"), t.TempDir(), nil); got != "PermissionDenied" {
			t.Errorf("the build script was told %q", got)
		}
	})
	t.Run("go", func(t *testing.T) {
		s, dir := newSandbox(t), filepath.Join(t.TempDir(), "project")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", "wasm-go"))); err != nil {
			t.Fatal(err)
		}
		s.zlayer("build", dir)
		// The module of another project, which is readable for the user.
		other := filepath.Dir(s.secret("other/go.mod"))
		write(t, filepath.Join(other, "go.mod"), "module other.example/x\n")
		write(t, filepath.Join(other, "x.go"), "package x\n")
		write(t, filepath.Join(dir, "other.go"), "package main\n\nimport _ \"other.example/x\"\n")
		write(t, filepath.Join(dir, "go.mod"), "module example.com/greet\n\ngo 1.24\n\nrequire other.example/x v0.0.0\n\nreplace other.example/x => "+other+"\n")
		says(t, s.fails(4, "build", dir), "permission denied", "other/go.mod")
	})
}

// homely is told where the user's home is.
func homely(m *manifest.Manifest) { m.Environment = append(m.Environment, "HOME") }

// An installed backend reads a file of the user's home only when its manifest
// says so, and then the user is asked. Until then the kernel refuses it.
func TestInstalledIsConfined(t *testing.T) {
	s, registry := newBoxes(t), servePlugins(t)
	home := s.secret(".boxrc")
	if _, err := os.ReadFile(home); err != nil {
		t.Fatal(err)
	}
	script := `cat "$HOME/.boxrc" > /dev/null || exit 3`
	s.zlayer("plugin", "publish", s.wrapped(script, box, wrap, homely), registry.at("box"))
	s.zlayer("plugin", "add", "--yes", registry.at("box"), s.plugin("dockerfile", boxfile))
	build := []string{"build", "--backend", boxID, boxContext(t)}
	says(t, s.fails(5, build...), boxID, ".boxrc: Permission denied")

	s.zlayer("plugin", "publish", s.wrapped(script, box, wrap, homely, at("1.1.0"), needing("~/.boxrc")), registry.at("box"))
	says(t, s.fails(11, "plugin", "update"), "~/.boxrc", "--yes")
	s.fails(5, build...)
	s.zlayer("plugin", "update", "--yes")
	s.zlayer(build...)
}
