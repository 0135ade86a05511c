// SPDX-License-Identifier: Apache-2.0

//go:build system

package conformance_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// brokenFrontend is a line of zoo/frontend.txt: a fault and the case that must
// find it.
type brokenFrontend struct {
	fault, found string
	// run are the beginnings of the names of the cases that are run before it.
	run []string
}

// brokenFrontends reads zoo/frontend.txt.
func brokenFrontends(t *testing.T) []brokenFrontend {
	t.Helper()
	text, err := os.ReadFile("zoo/frontend.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list []brokenFrontend
	var run []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "run":
			run = words[1:]
		case len(words) == 2:
			list = append(list, brokenFrontend{words[0], "frontend/" + words[1], run})
		default:
			t.Fatalf("zoo/frontend.txt: %q has not two words", line)
		}
	}
	return list
}

// TestBrokenFrontends proves of each frontend in the zoo that the first failure
// is the right one, and that what builds on it is blocked.
func TestBrokenFrontends(t *testing.T) {
	zoo := zoo(t, "frontend")
	cache := cacheDir(t)
	translate(t, cache)
	for _, b := range brokenFrontends(t) {
		t.Run(b.fault, func(t *testing.T) {
			t.Parallel()
			o := conformance.Options{
				Plugin: filepath.Join(bundle, "dockerfile"), Cache: cache, Engine: []string{zoo, b.fault, cache, "{module}"},
			}
			b.first(t, o)
			b.dependents(t, o)
		})
	}
}

// translate puts the good module into the cache: what waits for an answer must
// not wait for that.
func translate(t *testing.T, cache string) {
	t.Helper()
	one := suite.Options{Match: func(name string) bool { return name == "frontend/protocol-answers" }}
	report, err := conformance.Run(t.Context(), conformance.Options{Plugin: filepath.Join(bundle, "dockerfile"), Cache: cache, Suite: one})
	if err != nil || !report.OK() {
		t.Fatalf("the good frontend: %v, %+v", err, report)
	}
}

// first runs cases in their order until one fails, which must be the right one.
func (b brokenFrontend) first(t *testing.T, o conformance.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var failure *suite.Result
	o.Suite.Match = b.matches
	o.Suite.OnResult = func(r suite.Result) {
		if failure == nil && (r.Status == suite.Failed || r.Status == suite.Warned) {
			failure = &r
			cancel()
		}
	}
	report, err := conformance.Run(ctx, o)
	switch {
	case failure == nil && err != nil:
		t.Fatal(err)
	case failure == nil:
		t.Fatalf("nothing was found in %d cases", len(report.Results))
	case failure.Name != b.found:
		t.Errorf("the first failure is %s, want %s: %+v", failure.Name, b.found, failure.Problems[0])
	}
}

// dependents runs the case that finds the fault and those that build on it,
// which must be blocked.
func (b brokenFrontend) dependents(t *testing.T, o conformance.Options) {
	t.Helper()
	cases, err := conformance.List(o)
	if err != nil {
		t.Fatal(err)
	}
	chosen := []string{b.found}
	for _, c := range cases {
		if slices.ContainsFunc(c.After, func(name string) bool { return slices.Contains(chosen, name) }) {
			chosen = append(chosen, c.Name)
		}
	}
	o.Suite.Match = func(name string) bool { return slices.Contains(chosen, name) }
	report, err := conformance.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Results {
		if r.Name != b.found && r.Status != suite.Blocked {
			t.Errorf("%s is %s, and builds on %s, which fails", r.Name, r.Status, b.found)
		}
	}
}

// matches reports whether a case is run to find the first failure. The good
// module is at hand, and comparing with it would find nearly everything.
func (b brokenFrontend) matches(name string) bool {
	begins := func(prefix string) bool { return strings.HasPrefix(name, "frontend/"+prefix) }
	return name == b.found || name != "frontend/pure-engines" && slices.ContainsFunc(b.run, begins)
}
