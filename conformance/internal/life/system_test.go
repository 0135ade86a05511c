// SPDX-License-Identifier: Apache-2.0

//go:build system

package life_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/life"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

var (
	run   = flag.String("case", "", "run only cases whose name has this")
	trace = flag.Bool("trace", false, "show what went over the wire")
)

// All backends of the project live as they must.
func TestBackends(t *testing.T) {
	bundle, err := filepath.Abs("../../../bin/plugins")
	if err != nil {
		t.Fatal(err)
	}
	tools, err := filepath.Abs("../../../.tools/rust-wasm/bin")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	for _, name := range []string{"sandbox-backend", "buildah-backend", "wasm-lang-go", "wasm-lang-rust"} {
		t.Run(name, func(t *testing.T) { backend(t, bundle, name) })
	}
}

func backend(t *testing.T, bundle, name string) {
	plugin, err := target.Open(filepath.Join(bundle, name))
	if err != nil {
		t.Fatalf("%v; run make build", err)
	}
	plugin.Bundle, plugin.Environ, plugin.Work = bundle, os.Environ(), t.TempDir()
	cases, done, err := life.Cases(plugin)
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	o := suite.Options{
		Declared: plugin.Declares, Parallel: 2, Trace: *trace,
		Match: func(name string) bool { return strings.Contains(name, *run) },
	}
	o.OnResult = func(r suite.Result) { report(t, r) }
	suite.Run(t.Context(), cases, o)
}

// report shows a result, and fails the test unless it is as it should be.
func report(t *testing.T, r suite.Result) {
	t.Logf("%6.2fs %-13s %s %s", r.Seconds, r.Status, r.Name, r.Why)
	for _, line := range r.Trace {
		t.Log("        " + line)
	}
	for _, p := range r.Problems {
		t.Logf("        [%s] %s\n%s\nwant: %s\ngot: %s", p.Class, p.Message, p.Input, p.Want, p.Got)
	}
	switch r.Status {
	case suite.Passed, suite.NotDeclared, suite.CannotRun, suite.Warned: // how long something took is the machine's affair here
	default:
		t.Errorf("%s %s", r.Name, r.Status)
	}
}
