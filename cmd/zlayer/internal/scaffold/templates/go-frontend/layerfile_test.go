// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

const good = `from scratch
copy hello /bin/
start /bin/hello
`

const goodText = `container escape="\\"
stage 0 from=scratch
  text "from scratch"
  copy hello -> /bin/
    text "copy hello /bin/"
  cmd exec /bin/hello
    text "start /bin/hello"
`

func TestGood(t *testing.T) {
	res := plugintest.Parse(t, frontend.Func(Parse), "Layerfile", good)
	if got := ir.Text(res.GetBuild()); got != goodText {
		t.Errorf("got\n%s", got)
	}
}

// A mistake is a diagnostic, and the lines after it are read.
func TestMistakes(t *testing.T) {
	res := plugintest.Parse(t, frontend.Func(Parse), "Layerfile", "from scratch\nrnu true\nenv 1x=2\n")
	want := []string{
		"Layerfile:2:1-2:4 error unknown-keyword this is no keyword of a Layerfile",
		"Layerfile:3:5-3:7 error invalid-variable this is no name of a variable",
	}
	if len(res.GetDiagnostics()) != len(want) {
		t.Fatalf("got %d diagnostics", len(res.GetDiagnostics()))
	}
	for i, d := range res.GetDiagnostics() {
		if got := diag.Line("Layerfile", d); got != want[i] {
			t.Errorf("got %s", got)
		}
	}
}

// Whatever is in a file, the answer keeps to the specification.
func FuzzParse(f *testing.F) {
	f.Add(good)
	f.Add("\xef\xbb\xbffrom a\r\nenv A=\xff\n# ü 𝄞\n")
	f.Fuzz(func(t *testing.T, content string) {
		plugintest.Parse(t, frontend.Func(Parse), "Layerfile", content)
	})
}
