// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"zlayer": main, "exits": exits, "broken": broken, "keypair": keypair, "peak": peak, "terminal": terminal,
	})
}

// repository is the top of the tree.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "bin", "plugins")); err != nil {
		t.Fatal("the plugins are not built: run make build first")
	}
	return dir
}

// params runs the scripts of a folder with the plugins of bin/plugins. Each has
// a copy of a filled compile cache, since compiling is most of a first check.
func params(t *testing.T, dir string) testscript.Params {
	root := repository(t)
	s := newSandbox(t)
	s.zlayer("plugin", "compile")
	compiled := os.DirFS(filepath.Join(s.data, "wasm"))
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("TMPDIR", e.Getenv("TMPDIR"))
			e.Setenv("REPO", root)
			e.Setenv("ARCH", runtime.GOARCH)
			e.Setenv("ZLAYER_PLUGIN_DIR", filepath.Join(root, "bin", "plugins"))
			e.Setenv("ZLAYER_DATA_DIR", filepath.Join(e.WorkDir, "data"))
			e.Setenv("GOCACHE", os.Getenv("GOCACHE"))
			e.Setenv("CI", "true") // leave nothing running
			return os.CopyFS(filepath.Join(e.WorkDir, "data", "wasm"), compiled)
		},
	}
}

// TestScripts runs the command line with real plugin processes.
func TestScripts(t *testing.T) {
	p := params(t, "testdata/script")
	testscript.Run(t, p)
	testscript.Run(t, installing(t, p))
}
