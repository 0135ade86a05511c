// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"cmp"
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// The names of the options of a wasm build: see ResolvedWasmOption.
const (
	WasmBuildArgs       = "build-args"
	WasmDefaultFeatures = "default-features"
	WasmFeatures        = "features"
	WasmPackage         = "package"
	WasmProfile         = "profile"
	WasmProgram         = "program"
)

// wasmOptions says of each option whether it may have several values.
var wasmOptions = map[string]bool{
	WasmBuildArgs: true, WasmDefaultFeatures: false, WasmFeatures: true, WasmPackage: false, WasmProfile: false, WasmProgram: false,
}

// wasmOption requires that there is such an option with that many values.
func (v *validator) wasmOption(path, name string, values int) {
	several, ok := wasmOptions[name]
	v.require(ok, path+".name", quote(name)+" is not an option of wasm builds")
	v.require(values == 1 || several && values > 1, path+".values", "there must be one")
}

// WasmOption returns the values of an option of a resolved wasm build; nil when
// it is not there.
func WasmOption(w *irv1.ResolvedWasm, name string) []string {
	for _, o := range w.GetOptions() {
		if o.GetName() == name {
			return o.GetValues()
		}
	}
	return nil
}

// resolveOptions sorts the options of a wasm build by name.
func resolveOptions(list []*irv1.WasmOption) (out []*irv1.ResolvedWasmOption) {
	for _, o := range list {
		r := &irv1.ResolvedWasmOption{Name: o.GetName(), Range: o.GetRange()}
		for _, v := range o.GetValues() {
			r.Values = append(r.Values, v.GetText())
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *irv1.ResolvedWasmOption) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
