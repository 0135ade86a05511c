// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// TestNewProjects begins a plugin of each kind, builds it, runs its own tests
// and the conformance suite. All is well with each of them as it is written.
func TestNewProjects(t *testing.T) {
	root := repository(t)
	tools := filepath.Join(root, ".tools", "rust-wasm", "bin")
	t.Setenv("PATH", filepath.Join(root, "bin")+":"+tools+":"+os.Getenv("PATH"))
	for name, flags := range map[string][]string{
		"go-frontend":          {"--kind", "frontend"},
		"rust-frontend":        {"--kind", "frontend", "--language", "rust"},
		"go-container-backend": {"--kind", "container-backend"},
		"go-wasm-backend":      {"--kind", "wasm-backend"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			flags = append([]string{"plugin", "new", dir}, flags...)
			if strings.HasPrefix(name, "go-") {
				flags = append(flags, "--sdk", filepath.Join(root, "sdk"))
			}
			command(t, ".", "zlayer", flags...)
			command(t, dir, "make", "all", "test")
			if strings.HasPrefix(name, "go-") { // the suite in go test
				command(t, dir, "go", "test", "-run", "TestConformance/contract/.*", ".")
			}
			conforms(t, conformance.Options{
				Plugin: filepath.Join(dir, "dist", name), Vectors: []string{filepath.Join(dir, "vectors")},
				Bundle: filepath.Join(root, "bin", "plugins"), Environ: os.Environ(),
			})
		})
	}
}

// command runs a command that must go well.
func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// conforms runs the suite on a plugin: what the machine can find out must be
// right, and all that works must be declared.
func conforms(t *testing.T, o conformance.Options) {
	t.Helper()
	o.Suite.Parallel = 2
	ran := 0
	o.Suite.OnResult = func(r suite.Result) {
		switch r.Status {
		case suite.Passed:
			ran++
		case suite.CannotRun, suite.NotDeclared:
			t.Logf("%s is %s: %s", r.Name, r.Status, r.Why)
		default:
			t.Errorf("%s is %s: %s", r.Name, r.Status, r.Why)
		}
		for _, p := range r.Problems {
			t.Logf("%s: %s\ninput:\n%s\nwant:\n%s\ngot:\n%s", p.Class, p.Message, p.Input, p.Want, p.Got)
		}
	}
	if _, err := conformance.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if ran == 0 {
		t.Error("no case passed")
	}
}
