// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// wasmBuild is a build of Rust with options, each on a line of its own.
func wasmBuild(options ...*irv1.WasmOption) *irv1.Build {
	for i, o := range options {
		o.Range = diag.NewMapper([]byte("a\nb\nc")).Range(2*i, 2*i+1)
	}
	b := &irv1.Build{Files: []string{"f"}, Kind: &irv1.Build_Wasm{Wasm: &irv1.Wasm{Language: w("rust"), Options: options}}}
	b.Features = ir.SourceFeatures(b)
	return b
}

func option(name string, values ...string) *irv1.WasmOption {
	return &irv1.WasmOption{Name: name, Values: ws(values...)}
}

func TestWasmOptions(t *testing.T) {
	r := mustResolve(t, wasmBuild(option(ir.WasmProfile, "debug"), option(ir.WasmFeatures, "b", "a")), ir.Options{})
	want := "features wasm.features wasm.preview1 wasm.profile wasm.rust\nwasm language=rust target=preview1\n  features b a\n  profile debug\n"
	if got := ir.TextResolved(r); got != want {
		t.Errorf("got %s", got)
	}
	if got := ir.WasmOption(r.GetWasm(), ir.WasmFeatures); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("features %q", got)
	}
	if got := ir.WasmOption(r.GetWasm(), ir.WasmProgram); got != nil {
		t.Errorf("program %q", got)
	}
	// A planner that refuses an option can say where it is.
	for _, u := range ir.Uses(r) {
		if u.ID == "wasm.profile" && u.Range.GetLine() != 1 {
			t.Errorf("the profile is at %v", u.Range)
		}
	}
	r.GetWasm().Options[0], r.GetWasm().Options[1] = r.GetWasm().Options[1], r.GetWasm().Options[0]
	if err := ir.ValidateResolved(r); err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("unsorted options: %v", err)
	}
}

func TestWasmOptionsOfNoKind(t *testing.T) {
	for name, options := range map[string][]*irv1.WasmOption{
		`"colour" is not an option`: {option("colour", "red")},
		"there must be one":         {option(ir.WasmPackage, "a", "b")},
		"there twice":               {option(ir.WasmPackage, "a"), option(ir.WasmPackage, "b")},
		"options[0].values":         {option(ir.WasmFeatures)},
	} {
		if err := ir.Validate(wasmBuild(options...)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The names of options share a list with those of languages.
func TestAnOptionIsNoLanguage(t *testing.T) {
	b := wasmBuild()
	b.GetWasm().Language = w(ir.WasmPackage)
	b.Features = ir.SourceFeatures(b)
	if got := findings(ir.Resolve(b, ir.Options{}).Diagnostics); !strings.Contains(got, "unknown-feature") {
		t.Errorf("got %s", got)
	}
}
