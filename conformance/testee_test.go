// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

var only = flag.String("only", "", "run only cases with this in their names on testees")

// A backend that somebody wrote by SPEC.md and the protos, in another language
// and without our SDK, passes.
func TestPythonBackend(t *testing.T) {
	plugin := filepath.Join("..", ".tools", "testee", "python-backend")
	if _, err := os.Stat(plugin); err != nil {
		t.Fatalf("%v; run make testee-python", err)
	}
	report, err := conformance.Run(t.Context(), conformance.Options{
		Plugin: plugin, Bundle: filepath.Join("..", "bin", "plugins"), Environ: os.Environ(),
		Suite: suite.Options{
			Match:    func(name string) bool { return strings.Contains(name, *only) },
			Parallel: 2,
			OnResult: func(r suite.Result) { t.Logf("%s %s %s %.1fs", r.Name, r.Status, r.Why, r.Seconds) },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if !r.Status.Bad() {
			continue
		}
		t.Errorf("%s: %s %s", r.Name, r.Status, r.Why)
		for _, p := range r.Problems {
			t.Errorf("%s\nwant %s\ngot %s", p.Message, p.Want, p.Got)
		}
	}
	if n := report.Count(suite.Passed); n < 100 && *only == "" {
		t.Errorf("%d cases pass", n)
	}
}
