// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// untried are the cases that have nothing to look at in any plugin of ours: none
// declares anything experimental. The zoo has one that does.
var untried = []string{"life/describe-experimental"}

// TestFirstParty proves that all plugins of the bundle conform, with nothing
// known to fail and nothing left out.
func TestFirstParty(t *testing.T) {
	tools, err := filepath.Abs("../.tools/rust-wasm/bin") // if make rust-wasm had to make it
	if err != nil {
		t.Fatal(err)
	}
	environ := append(os.Environ(), "PATH="+tools+":"+os.Getenv("PATH"))
	for _, plugin := range []string{"dockerfile", "zimagefile", "buildah-backend", "sandbox-backend", "wasm-lang-go", "wasm-lang-rust"} {
		t.Run(plugin, func(t *testing.T) {
			report, err := conformance.Run(t.Context(), conformance.Options{
				Plugin: filepath.Join(bundle, plugin), Bundle: bundle, Cache: cacheDir(t), Environ: environ, Suite: suite.Options{Parallel: 2},
			})
			if err != nil {
				t.Fatalf("%v; run make build", err)
			}
			for _, r := range report.Results {
				judge(t, r)
			}
			t.Logf("%s: %d cases passed, %d not declared, in %.0f s", plugin, report.Count(suite.Passed), report.Count(suite.NotDeclared), report.Seconds)
		})
	}
}

// judge fails the test for what a plugin of ours may not do.
func judge(t *testing.T, r suite.Result) {
	t.Helper()
	switch r.Status {
	case suite.Passed, suite.NotDeclared:
	case suite.Warned: // by times, on a busy machine
		t.Logf("%s: %s: %s", r.Name, r.Status, r.Problems[0].Message)
	case suite.CannotRun:
		if !slices.Contains(untried, r.Name) {
			t.Errorf("%s: %s: %s", r.Name, r.Status, r.Why)
		}
	default:
		t.Errorf("%s: %s: %s", r.Name, r.Status, r.Why)
		for _, p := range r.Problems {
			t.Errorf("%s\nwant %s\ngot %s", p.Message, p.Want, p.Got)
		}
	}
}
