// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// What is parsed without an error is valid IR, and rendering it to Dockerfile
// text and parsing that gives the same IR again.
func TestRoundTrip(t *testing.T) {
	for _, src := range append(validDockerfiles, ordinary) {
		roundTrip(t, src)
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, src := range append(append(seeds, validDockerfiles...), ordinary) {
		f.Add(src)
	}
	f.Fuzz(roundTrip)
}

func roundTrip(t *testing.T, src string) {
	res := parse(src)
	if diag.HasErrors(res.Diagnostics) {
		return
	}
	if err := ir.Validate(res.Build); err != nil {
		t.Fatalf("%q: %v", src, err)
	}
	text, ds := ir.Dockerfile(res.Build)
	if len(ds) > 0 {
		return // Dockerfile cannot say it again; the renderer's tests are elsewhere
	}
	again := parse(text)
	if diag.HasErrors(again.Diagnostics) {
		t.Fatalf("%q\nwas rendered as\n%q\nwhich has %v", src, text, lines(again.Diagnostics))
	}
	if d := cmp.Diff(meaning(res.Build), meaning(again.Build)); d != "" {
		t.Fatalf("%q\nwas rendered as\n%q\n%s", src, text, d)
	}
}

// meaning is the text of a build without its source texts.
func meaning(b *irv1.Build) string {
	b = b.CloneVT()
	ir.Walk(b, func(_ string, node any) bool {
		switch n := node.(type) {
		case *irv1.Step:
			n.Text = ""
		case *irv1.Stage:
			n.Text = ""
		}
		return true
	})
	return ir.Text(b)
}
