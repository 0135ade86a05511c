// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/toolchain"
)

// The profiles there are. Go has no others.
const (
	profileRelease = "release"
	profileDebug   = "debug"
)

// acceptOptions refuses values that mean nothing to Go.
func acceptOptions(start *backendv1.Start) error {
	if p := toolchain.Option(start, ir.WasmProfile); p != "" && p != profileRelease && p != profileDebug {
		f := backend.Sourcef(nil, "Go has no profile %q", p)
		f.Help = "write release or debug"
		return f
	}
	if p := toolchain.Option(start, ir.WasmPackage); p != "" && !filepath.IsLocal(filepath.FromSlash(path.Clean(p))) {
		f := backend.Sourcef(nil, "the package %q is not in the project", p)
		f.Help = "name the folder of a program, relative to the project, as in: package: ./cmd/app"
		return f
	}
	for _, tag := range ir.WasmOption(start.GetBuild().GetWasm(), ir.WasmFeatures) {
		if strings.ContainsAny(tag, ", ") {
			f := backend.Sourcef(nil, "%q is not a build tag", tag)
			f.Help = "features are Go's build tags, one each"
			return f
		}
	}
	return nil
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
	if toolchain.Option(b.Start, ir.WasmProfile) == profileDebug {
		return []string{"-gcflags=all=-N -l"}
	}
	return []string{"-ldflags=-s -w"}
}
