// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

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
		m := watch(newSandbox(t))
		dir := filepath.Join(t.TempDir(), "project")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(m.repo, "examples", "wasm-go"))); err != nil {
			t.Fatal(err)
		}
		m.launch(m.command("build", dir))
		m.await("a compiler that cannot gain rights", time.Minute, func() string {
			for _, p := range m.processes() {
				if strings.Contains(p.args, "/compile ") && strings.Contains(text("/proc", strconv.Itoa(p.pid), "status"), "NoNewPrivs:\t1") {
					return ""
				}
			}
			return fmt.Sprint(m.processes(), m.out.String())
		})
		<-m.ended()
		if code := m.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d:\n%s", code, m.out.String())
		}
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
