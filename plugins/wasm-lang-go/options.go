// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// The profiles there are. Go has no others.
const (
	profileRelease = "release"
	profileDebug   = "debug"
)

// acceptOptions refuses values that mean nothing to Go.
func acceptOptions(wasm *irv1.ResolvedWasm) error {
	if p := option(wasm, ir.WasmProfile); p != "" && p != profileRelease && p != profileDebug {
		f := backend.Sourcef(nil, "Go has no profile %q", p)
		f.Help = "write release or debug"
		return f
	}
	if p := option(wasm, ir.WasmPackage); p != "" && !filepath.IsLocal(filepath.FromSlash(path.Clean(p))) {
		f := backend.Sourcef(nil, "the package %q is not in the project", p)
		f.Help = "name the folder of a program, relative to the project, as in: package: ./cmd/app"
		return f
	}
	for _, tag := range ir.WasmOption(wasm, ir.WasmFeatures) {
		if strings.ContainsAny(tag, ", ") {
			f := backend.Sourcef(nil, "%q is not a build tag", tag)
			f.Help = "features are Go's build tags, one each"
			return f
		}
	}
	return nil
}

// option returns the one value of an option; "" without.
func option(wasm *irv1.ResolvedWasm, name string) string {
	if values := ir.WasmOption(wasm, name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// tags are the flags for the features of the build, which Go calls build tags.
func (b *build) tags() []string {
	if tags := ir.WasmOption(b.GetBuild().GetWasm(), ir.WasmFeatures); len(tags) > 0 {
		return []string{"-tags=" + strings.Join(tags, ",")}
	}
	return nil
}

// profile are the flags for the profile. What is released has no symbols; what
// is debugged is not optimised.
func (b *build) profile() []string {
	if option(b.GetBuild().GetWasm(), ir.WasmProfile) == profileDebug {
		return []string{"-gcflags=all=-N -l"}
	}
	return []string{"-ldflags=-s -w"}
}
