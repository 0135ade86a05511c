// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"a/a_test.go":          "func FuzzOne(f *testing.F) {\n}\n\nfunc FuzzTwo(f *testing.F) {}\n",
		"a/b_test.go":          "func FuzzThree(f *testing.F) {}\nfunc fuzzy(f *testing.F) {}\n",
		"a/a.go":               "func FuzzNone(f *testing.F) {}\n",
		"a/testdata/x_test.go": "func FuzzNone(f *testing.F) {}\n",
		".tools/x_test.go":     "func FuzzNone(f *testing.F) {}\n",
		"a/c/c_test.go":        "func FuzzFour(f *testing.F) {}\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for pattern, want := range map[string][]pkg{
		"":        {{filepath.Join(root, "a"), []string{"FuzzOne", "FuzzTwo", "FuzzThree"}}, {filepath.Join(root, "a/c"), []string{"FuzzFour"}}},
		`c\.Fuzz`: {{filepath.Join(root, "a/c"), []string{"FuzzFour"}}},
	} {
		got, err := find(root, regexp.MustCompile(pattern))
		if d := cmp.Diff(want, got, cmp.AllowUnexported(pkg{})); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", pattern, err, d)
		}
	}
}

func TestProgress(t *testing.T) {
	out := "fuzz: elapsed: 0s, gathering baseline coverage: 0/49 completed\n" +
		"fuzz: elapsed: 3s, execs: 12 (4/sec), new interesting: 1 (total: 50)\n" +
		"fuzz: elapsed: 6s, execs: 99 (4/sec), new interesting: 7 (total: 56)\nPASS\n"
	if got := progress(out); got != "execs 99, new 7" {
		t.Errorf("got %q", got)
	}
	if got := progress("PASS\n"); got != "execs 0" {
		t.Errorf("got %q", got)
	}
}

func TestExplain(t *testing.T) {
	p := pkg{dir: "sdk/x"}
	got := explain(p, "FuzzA", "fuzz: elapsed: 0s\n--- FAIL: FuzzA\n    x_test.go:1: no\n    Failing input written to testdata/fuzz/FuzzA/12ab\n")
	want := "    --- FAIL: FuzzA\n        x_test.go:1: no\n        Failing input written to testdata/fuzz/FuzzA/12ab\n" +
		"  input: sdk/x/testdata/fuzz/FuzzA/12ab\n  again: (cd sdk/x && go test -run '^FuzzA$/^12ab$' .)"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := explain(p, "FuzzA", "failure while testing seed corpus entry: FuzzA/seed#0\n"); !strings.HasSuffix(got, "go test -run '^FuzzA$' .)") {
		t.Errorf("got\n%s", got)
	}
}
