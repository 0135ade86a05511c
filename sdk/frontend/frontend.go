// SPDX-License-Identifier: Apache-2.0

// Package frontend is what an author of a frontend imports.
//
// A frontend turns the text of a build file into Build IR and diagnostics. It
// is a pure function: it has no files, no network, no clock. Write the
// function, hand it to Main, and compile with GOOS=wasip1 GOARCH=wasm.
package frontend

import "github.com/zlayer/zlayer/sdk/gen/frontendv1"

// Frontend understands one build file format.
type Frontend interface {
	// Parse says what the file means. It never panics and always ends,
	// whatever the bytes are; a mistake in them is a diagnostic, and the rest
	// of the file is still parsed. The same request gives the same response.
	Parse(*frontendv1.ParseRequest) *frontendv1.ParseResponse
}

// Func is a Frontend made of its Parse method.
type Func func(*frontendv1.ParseRequest) *frontendv1.ParseResponse

var _ Frontend = Func(nil)

// Parse calls f.
func (f Func) Parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse { return f(r) }
