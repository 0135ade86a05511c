// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/conformance/vectors"
)

func TestWasms(t *testing.T) {
	all, err := vectors.Wasms()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 40 {
		t.Errorf("there are %d", len(all))
	}
	names := map[string]bool{}
	for _, w := range all {
		names[w.Name] = true
	}
	for _, w := range all {
		if !strings.HasPrefix(w.Name, w.Language+"-") || len(w.Spec) == 0 {
			t.Errorf("%s: its name begins with another language, or it says nothing of SPEC.md", w.Name)
		}
		for _, name := range w.After {
			if !names[name] {
				t.Errorf("%s comes after %s, which is not there", w.Name, name)
			}
		}
		dir := t.TempDir()
		if err := w.Write(dir); err != nil {
			t.Errorf("%s: %v", w.Name, err)
		}
		unlock(dir)
	}
}

// unlock makes folders that may not be written to such that may be removed.
func unlock(dir string) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
}

const wasmVector = `A module.
spec: W1 W2
language: go
option: features=a
option: features=b
ignore: *.md
env: PATH=/x
epoch: 5
again: same elsewhere
expect: ok
-- @run --
run a "b c"
stdin in
stdout "o\n"
stdout ut
stderr err
exit 3
run
exit trap
-- dir/main.go --
one
-- @then/dir/main.go --
two
`

func TestParseWasm(t *testing.T) {
	w, err := vectors.ParseWasm("go-x", []byte(wasmVector))
	if err != nil {
		t.Fatal(err)
	}
	epoch := int64(5)
	want := &vectors.Wasm{
		Vector: w.Vector, Language: "go", Options: []string{"features=a", "features=b"}, Ignore: []string{"*.md"},
		Env: []string{"PATH=/x"}, Epoch: &epoch, Again: []string{vectors.AgainSame, vectors.AgainElsewhere},
		Runs: []vectors.WasmRun{
			{Args: []string{"a", "b c"}, Stdin: "in", Stdout: "o\nut", Stderr: []string{"err"}, Exit: 3},
			{Args: []string{}, Exit: vectors.ExitTrap},
		},
	}
	if diff := cmp.Diff(want, w); diff != "" {
		t.Error(diff)
	}
}

// A project is written, then changed; all files have one time.
func TestWasmChange(t *testing.T) {
	w, err := vectors.ParseWasm("go-x", []byte(wasmVector))
	if err != nil || !w.Changes() {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "dir", "main.go")
	for step, write := range []func(string) error{w.Write, w.Change} {
		if err := write(dir); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if want := []string{"one\n", "two\n"}[step]; err != nil || string(text) != want {
			t.Errorf("the file has %q, %v, want %q", text, err, want)
		}
		if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(vectors.When) {
			t.Errorf("the file has another time: %v, %v", info, err)
		}
	}
}

func TestParseWasmExpect(t *testing.T) {
	for text, want := range map[string]vectors.WasmFailure{
		"source":               {Class: "source"},
		"source a.go":          {Class: "source", File: "a.go"},
		"source a b/c.go:3":    {Class: "source", File: "a b/c.go", Line: 3},
		"machine a.go:3:14":    {Class: "machine", File: "a.go", Line: 3, Column: 14},
		"unsupported":          {Class: "unsupported"},
		"ok":                   {},
		"broken":               {},
		"source a.go:3:14:1":   {},
		"source a.go:three:14": {},
	} {
		w, err := vectors.ParseWasm("go-x", []byte("A module.\nlanguage: go\nexpect: "+text+"\n"))
		if want.Class == "" {
			if err == nil {
				t.Errorf("%s: no error", text)
			}
			continue
		}
		if err != nil || *w.Fails != want {
			t.Errorf("%s: %v, %v", text, w, err)
		}
	}
}

func TestParseWasmErrors(t *testing.T) {
	for name, text := range map[string]string{
		"no language":  "A module.\nexpect: source\n",
		"no runs":      "A module.\nlanguage: go\nexpect: ok\n",
		"runs for it":  "A module.\nlanguage: go\nexpect: source\n-- @run --\nrun\n",
		"unknown key":  "A module.\nlanguage: go\ncolour: red\nexpect: source\n",
		"unknown way":  "A module.\nlanguage: go\nagain: never\nexpect: source\n",
		"unknown verb": "A module.\nlanguage: go\nexpect: ok\n-- @run --\nrun\nwalk x\n",
		"no run first": "A module.\nlanguage: go\nexpect: ok\n-- @run --\nstdout x\n",
		"two values":   "A module.\nlanguage: go\nexpect: ok\n-- @run --\nrun\nstdout x y\n",
		"no code":      "A module.\nlanguage: go\nexpect: ok\n-- @run --\nrun\nexit x\n",
	} {
		if _, err := vectors.ParseWasm("go-x", []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
