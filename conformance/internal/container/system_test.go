// SPDX-License-Identifier: Apache-2.0

//go:build system

package container

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

// TestUndeclared runs some cases for a plugin that says too little of itself.
func TestUndeclared(t *testing.T) {
	p := opened(t, "sandbox-backend")
	p.Manifest.Capabilities.Features = []string{"copy", "exec"}
	chosen := []string{"container/basic-run", "container/copy-chmod-octal", "container/run-network-none", "container/run-exit-code", "container/stages-unknown-target"}
	results := run(t, p, suite.Options{Match: func(name string) bool { return slices.Contains(chosen, name) }})
	var got []string
	for _, r := range results {
		got = append(got, fmt.Sprintf("%s %s %s", r.Name, r.Status, r.Why))
	}
	want := []string{
		"container/basic-run passed ",
		"container/copy-chmod-octal undeclared works, and is not declared: copy.chmod",
		"container/run-exit-code passed ",
		"container/run-network-none undeclared works, and is not declared: exec.network.none",
		"container/stages-unknown-target passed ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// run runs cases for a plugin.
func run(t *testing.T, p *target.Target, o suite.Options) []suite.Result {
	t.Helper()
	cases, done, err := Cases(p)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	o.Declared = p.Declares
	return suite.Run(t.Context(), cases, o)
}
