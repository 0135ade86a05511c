// SPDX-License-Identifier: Apache-2.0

//go:build system

package wasm

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

var only = flag.String("only", "", "run only cases with this in their names")

// Our own backends pass all cases of their language, and every case is of one.
func TestFirstParty(t *testing.T) {
	passed := map[string]bool{}
	for language, plugin := range map[string]string{"go": "wasm-lang-go", "rust": "wasm-lang-rust"} {
		t.Run(plugin, func(t *testing.T) {
			for _, r := range outcomes(t, plugin) {
				switch ours := strings.HasPrefix(r.Name, section+language+"-"); {
				case r.Status == suite.Passed && ours:
					passed[r.Name] = true
				case r.Status != suite.NotDeclared || ours:
					t.Errorf("%s: %s %s", r.Name, r.Status, r.Why)
					for _, p := range r.Problems {
						t.Errorf("%s\nwant %s\ngot %s", p.Message, p.Want, p.Got)
					}
				}
			}
		})
	}
	if len(passed) < 40 && *only == "" {
		t.Errorf("%d cases pass", len(passed))
	}
}

// outcomes runs the cases on a plugin of the bundle.
func outcomes(t *testing.T, plugin string) []suite.Result {
	t.Helper()
	repo, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	tg, err := target.Open(filepath.Join(repo, "bin", "plugins", plugin))
	if err != nil {
		t.Fatalf("%v; run make build", err)
	}
	rust := filepath.Join(repo, ".tools", "rust-wasm", "bin") // if make rust-wasm had to make it
	tg.Work, tg.Environ = t.TempDir(), append(os.Environ(), "PATH="+rust+":"+os.Getenv("PATH"))
	cases, done, err := Cases(tg)
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	match := func(name string) bool { return strings.Contains(name, *only) }
	report := func(r suite.Result) { t.Logf("%s %s %.1fs", r.Name, r.Status, r.Seconds) }
	return suite.Run(t.Context(), cases, suite.Options{Match: match, Declared: tg.Declares, OnResult: report})
}
