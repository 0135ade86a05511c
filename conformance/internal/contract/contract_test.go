// SPDX-License-Identifier: Apache-2.0

package contract_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/contract"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// The sections of a module that does nothing: it has a function and a memory,
// and exports both.
const (
	header    = "\x00asm\x01\x00\x00\x00"
	types     = "\x01\x04\x01\x60\x00\x00"
	functions = "\x03\x02\x01\x00"
	memories  = "\x05\x03\x01\x00\x01"
	exports   = "\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00"
	code      = "\x0a\x04\x01\x02\x00\x0b"
	// imports are proc_exit of WASI, as function 0.
	imports = "\x02\x24\x01\x16wasi_snapshot_preview1\x09proc_exit\x00\x00"
)

// frontend and backend are good manifests, but for digests.
const (
	frontend = `{"schema": 1, "id": "zoo.example/lines", "kind": "frontend", "version": "1.0.0", "protocol": {"major": 1, "minor": 0},
		"files": [{"path": "lines.wasm", "digest": "DIGEST", "role": "main"}, {"path": "data/words", "digest": "DIGEST"}],
		"claims": {"files": ["Linesfile", "*.lines"], "discover": ["Linesfile", "?*.lines"]}}`
	backend = `{"schema": 1, "id": "zoo.example/oven", "kind": "backend", "version": "1.0.0", "protocol": {"major": 1, "minor": 0},
		"files": [{"path": "oven", "digest": "DIGEST", "role": "main"}],
		"capabilities": {"features": ["copy", "add.url", "zoo.example/steam"], "platforms": ["linux/*"]},
		"permissions": {"network": true, "privileges": ["mount"], "tools": ["git"]}, "environment": ["PATH", "OVEN_*"]}`
)

// broken is a plugin that is wrong in one way.
type broken struct {
	name, good string
	change     [2]string    // in the manifest
	module     string       // instead of the good one
	spoil      func(string) // the folder, when its digests are right
	found      string       // the case; empty: none
	warned     bool
	blocked    int // how many cases say nothing after that
}

// zoo is what the cases have to find.
var zoo = []broken{
	{name: "good frontend", good: frontend},
	{name: "good backend", good: backend},
	{name: "module of WASI", good: frontend, module: header + types + imports + functions + memories + strings.Replace(exports, "_start\x00\x00", "_start\x00\x01", 1) + code},
	{name: "not JSON", good: frontend, change: [2]string{"{", "("}, found: "contract/manifest-valid", blocked: 2},
	{name: "unknown key", good: frontend, change: [2]string{`"schema"`, `"hooks": [], "schema"`}, found: "contract/manifest-valid", blocked: 2},
	{name: "path above", good: frontend, change: [2]string{"lines.wasm", "../lines.wasm"}, found: "contract/manifest-valid", blocked: 2},
	{name: "two main files", good: frontend, change: [2]string{`"DIGEST"}`, `"DIGEST", "role": "main"}`}, found: "contract/manifest-valid", blocked: 2},
	{name: "frontend with a variable", good: frontend, change: [2]string{`"claims"`, `"environment": ["HOME"], "claims"`}, found: "contract/manifest-valid", blocked: 2},
	{name: "backend that takes everything", good: backend, change: [2]string{`"OVEN_*"`, `"*"`}, found: "contract/manifest-valid", blocked: 2},
	{name: "missing file", good: frontend, spoil: remove("data/words"), found: "contract/files-there", blocked: 6},
	{name: "folder for a file", good: frontend, spoil: makeFolder("data/words"), found: "contract/files-there", blocked: 6},
	{name: "link out of the folder", good: frontend, spoil: linkOut("data/words"), found: "contract/files-there", blocked: 6},
	{name: "changed module", good: frontend, spoil: appendTo("lines.wasm"), found: "contract/digests", blocked: 5},
	{name: "changed data", good: frontend, spoil: appendTo("data/words"), found: "contract/digests", blocked: 5},
	{name: "no module", good: frontend, module: "#!/bin/sh\n", found: "contract/module-reads", blocked: 4},
	{name: "component for a module", good: frontend, module: "\x00asm\x0d\x00\x01\x00", found: "contract/module-reads", blocked: 4},
	{name: "module cut off", good: frontend, module: header + types + exports[:10], found: "contract/module-reads", blocked: 4},
	{name: "no _start", good: frontend, module: header + types + functions + memories + strings.Replace(exports, "_start", "_begin", 1) + code, found: "contract/module-exports", blocked: 3},
	{name: "memory that is a function", good: frontend, module: header + types + functions + memories + strings.Replace(exports, "memory\x02", "memory\x00", 1) + code, found: "contract/module-exports", blocked: 3},
	{name: "import of another module", good: frontend, module: header + types + strings.Replace(imports, "preview1", "preview9", 1) + functions + memories + exports + code, found: "contract/module-imports", blocked: 2},
	{name: "found and not claimed", good: frontend, change: [2]string{`["Linesfile", "?*.lines"]`, `["Linesfile", "*.txt"]`}, found: "contract/claims-discovered"},
	{name: "claims everything", good: frontend, change: [2]string{`["Linesfile", "*.lines"]`, `["Linesfile", "*"]`}, found: "contract/claims-not-everything", warned: true},
	{name: "not executable", good: backend, spoil: chmod("oven", 0o644), found: "contract/executable", blocked: 5},
	{name: "feature of no build", good: backend, change: [2]string{`"copy"`, `"copi"`}, found: "contract/features-known"},
	{name: "feature of the source state", good: backend, change: [2]string{`"copy"`, `"arg"`}, found: "contract/features-known"},
	{name: "feature twice", good: backend, change: [2]string{`"copy"`, `"copy", "copy"`}, found: "contract/features-known"},
	{name: "feature of no vendor", good: backend, change: [2]string{`zoo.example/steam`, `zoo/steam`}, found: "contract/features-known"},
	{name: "wasm without a target", good: backend, change: [2]string{`"copy"`, `"wasm.go"`}, found: "contract/features-buildable"},
	{name: "no platforms", good: backend, change: [2]string{`, "platforms": ["linux/*"]`, ``}, found: "contract/platforms"},
	{name: "network not permitted", good: backend, change: [2]string{`"network": true, `, ``}, found: "contract/permissions", warned: true},
	{name: "unknown privilege", good: backend, change: [2]string{`"mount"`, `"root"`}, found: "contract/permissions", warned: true},
	{name: "tool by its path", good: backend, change: [2]string{`"git"`, `"/usr/bin/git"`}, found: "contract/permissions", warned: true},
	{name: "variable of the loader", good: backend, change: [2]string{`"PATH"`, `"LD_PRELOAD"`}, found: "contract/environment", warned: true},
	{name: "short prefix", good: backend, change: [2]string{`"OVEN_*"`, `"O*"`}, found: "contract/environment", warned: true},
}

// Each broken plugin is found by its case; what builds on that says nothing.
func TestZoo(t *testing.T) {
	for _, b := range zoo {
		t.Run(b.name, func(t *testing.T) {
			dir := b.write(t)
			at, err := target.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			cases, _ := contract.Cases(at)
			results := suite.Run(t.Context(), cases, suite.Options{})
			b.judge(t, results)
		})
	}
}

// judge compares the results with what must be found.
func (b broken) judge(t *testing.T, results []suite.Result) {
	t.Helper()
	blocked := 0
	var found []string
	for _, r := range results {
		switch {
		case r.Status == suite.Blocked:
			blocked++
		case r.Status == suite.Failed && !b.warned || r.Status == suite.Warned && b.warned:
			found = append(found, r.Name)
		case r.Status != suite.Passed:
			t.Errorf("%s is %s: %v", r.Name, r.Status, r.Problems)
		}
	}
	if want := slices.DeleteFunc([]string{b.found}, func(s string) bool { return s == "" }); !slices.Equal(found, want) {
		t.Errorf("found by %v, want %v", found, want)
	}
	if blocked != b.blocked {
		t.Errorf("%d cases are blocked, want %d", blocked, b.blocked)
	}
}

// write makes the plugin's folder, and the digests of its manifest right before
// it is spoiled.
func (b broken) write(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	module := b.module
	if module == "" {
		module = header + types + functions + memories + exports + code
	}
	text := b.good
	if b.change[0] != "" {
		text = strings.Replace(text, b.change[0], b.change[1], 1)
	}
	for _, f := range []struct{ name, content string }{{"lines.wasm", module}, {"data/words", "words\n"}, {"oven", "#!/bin/sh\n"}} {
		must(os.MkdirAll(filepath.Dir(filepath.Join(dir, f.name)), 0o755))
		must(os.WriteFile(filepath.Join(dir, f.name), []byte(f.content), 0o755))
		digest, err := manifest.Digest(bytes.NewReader([]byte(f.content)))
		must(err)
		before, after, ok := strings.Cut(text, f.name+`", "digest": "`)
		if ok {
			text = before + f.name + `", "digest": "` + strings.Replace(after, "DIGEST", digest, 1)
		}
	}
	must(os.WriteFile(filepath.Join(dir, manifest.FileName), []byte(text), 0o644))
	if b.spoil != nil {
		b.spoil(dir)
	}
	return dir
}

// must ends the test of a machine that cannot write files.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func remove(name string) func(string) {
	return func(dir string) { must(os.Remove(filepath.Join(dir, name))) }
}

func makeFolder(name string) func(string) {
	return func(dir string) {
		remove(name)(dir)
		must(os.Mkdir(filepath.Join(dir, name), 0o755))
	}
}

func linkOut(name string) func(string) {
	return func(dir string) {
		outside := dir + ".outside"
		must(os.Rename(filepath.Join(dir, name), outside))
		must(os.Symlink(outside, filepath.Join(dir, name)))
	}
}

func appendTo(name string) func(string) {
	return func(dir string) {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_APPEND|os.O_WRONLY, 0)
		must(err)
		_, err = f.WriteString("\x00\x00")
		must(err)
		must(f.Close())
	}
}

func chmod(name string, mode os.FileMode) func(string) {
	return func(dir string) { must(os.Chmod(filepath.Join(dir, name), mode)) }
}
