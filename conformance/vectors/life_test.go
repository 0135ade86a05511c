// SPDX-License-Identifier: Apache-2.0

package vectors_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/conformance/vectors"
)

// Every script says what it looks at and what it is about, and comes after what
// is there.
func TestLives(t *testing.T) {
	all, err := vectors.Lives()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Errorf("only %d scripts", len(all))
	}
	names := map[string]bool{}
	for _, l := range all {
		names[l.Name] = true
	}
	for _, l := range all {
		if !kebab.MatchString(l.Name) || !strings.HasSuffix(l.About, ".") {
			t.Errorf("%s: the name is not in kebab-case, or %q is no sentence", l.Name, l.About)
		}
		if len(l.Spec) == 0 {
			t.Errorf("%s: it is about no sentence of the specification", l.Name)
		}
		for _, before := range l.After {
			if !names[before] {
				t.Errorf("%s: it comes after %s, which is not there", l.Name, before)
			}
		}
	}
}

// Every build can be written.
func TestBuilds(t *testing.T) {
	all, err := vectors.Builds()
	if err != nil || all["ok"] == nil {
		t.Fatalf("%v, %v", all, err)
	}
	for name, b := range all {
		for kind := range b {
			dir := t.TempDir()
			if err := b.Write(dir, kind); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if list, err := os.ReadDir(filepath.Join(dir, "context")); err != nil || len(list) == 0 {
				t.Errorf("%s for %s has no files", name, kind)
			}
		}
	}
}

func TestParseLife(t *testing.T) {
	text := `About it.
spec: B1 B2
kinds: wasm
languages: go rust
needs: a b
limit: 2m
alone: yes
own-state: wasm
after: other
expect: exit 1
-- script --
# a comment
start

await output "two words" within 5s
-- b/go/main.go --
package main
-- b/rust/src/main.rs --
fn main() {}
`
	l, err := vectors.ParseLife("n", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	l.Files = nil
	want := &vectors.Life{
		Vector: vectors.Vector{Name: "n", About: "About it.", Spec: []string{"B1", "B2"}, After: []string{"other"}, Expect: "exit 1"},
		Kinds:  []string{"wasm"}, Languages: []string{"go", "rust"}, Needs: []string{"a", "b"},
		Limit: 2 * time.Minute, Alone: true, OwnState: []string{"wasm"},
		Script: []vectors.Line{
			{Number: 2, Words: []string{"start"}},
			{Number: 4, Words: []string{"await", "output", "two words", "within", "5s"}},
		},
		Builds: map[string]vectors.Build{"b": {
			"go":   {{Name: "main.go", Data: []byte("package main\n")}},
			"rust": {{Name: "src/main.rs", Data: []byte("fn main() {}\n")}},
		}},
	}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Error(diff)
	}
	if !l.For("wasm", "go") || l.For("wasm", "zig") || l.For("container", "") {
		t.Error("it is for others than it says")
	}
}

func TestParseLifeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no script":    "About.\nexpect: ok\n",
		"empty script": "About.\nexpect: ok\n-- script --\n# nothing\n",
		"unknown kind": "About.\nexpect: ok\nkinds: frontend\n-- script --\nstart\n",
		"open quote":   "About.\nexpect: ok\n-- script --\nawait output \"x\n",
		"limit":        "About.\nexpect: ok\nlimit: long\n-- script --\nstart\n",
		"alone":        "About.\nexpect: ok\nalone: no\n-- script --\nstart\n",
		"stray file":   "About.\nexpect: ok\n-- script --\nstart\n-- Dockerfile --\nFROM base\n",
		"half a build": "About.\nexpect: ok\n-- script --\nstart\n-- b/Dockerfile --\nFROM base\n",
		"header":       "About.\nexpect: ok\nrounds: 2\n-- script --\nstart\n",
	} {
		if _, err := vectors.ParseLife("n", []byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
