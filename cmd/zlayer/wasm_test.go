// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// A Go module in, a WASI module out, which runs; and the same bytes from
// another folder and another state.
func TestWasmExample(t *testing.T) {
	var modules [][]byte
	var digests []string
	for range 2 {
		s := newSandbox(t)
		s.env = append(s.env, "SOURCE_DATE_EPOCH=1700000000")
		dir := filepath.Join(t.TempDir(), "project")
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", "wasm-go"))); err != nil {
			t.Fatal(err)
		}
		digests = append(digests, s.zlayer("build", dir, "--tag", "greet"))
		module, err := os.ReadFile(filepath.Join(dir, "greet.wasm"))
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, module)
	}
	if got := runModule(t, modules[0], "greet", "Ada", "Grace"); !strings.Contains(got, "Ada") || !strings.Contains(got, "Grace") {
		t.Errorf("the module wrote %q", got)
	}
	if !bytes.Equal(modules[0], modules[1]) || digests[0] != digests[1] {
		t.Errorf("two builds differ: %s, %s", digests[0], digests[1])
	}
}

// runModule runs a WASI command and returns what it wrote.
func runModule(t *testing.T, module []byte, args ...string) string {
	t.Helper()
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var out bytes.Buffer
	if _, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithArgs(args...).WithStdout(&out)); err != nil && !strings.Contains(err.Error(), "exit_code(0)") {
		t.Fatal(err)
	}
	return out.String()
}

// A mistake in the Go source is a finding at its place.
func TestWasmCompileError(t *testing.T) {
	s := newSandbox(t)
	dir := filepath.Join(t.TempDir(), "project")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(s.repo, "examples", "wasm-go"))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "extra.go"), []byte("package main\n\nfunc f() int { return \"x\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.try("build", dir)
	if got := stderrOf(err); !strings.Contains(got, "extra.go:3:23: error:") || !strings.Contains(got, `func f() int { return "x" }`) {
		t.Errorf("got:\n%s", got)
	}
}
