// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strconv"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// wasmFaults are about modules and the projects they come from.
var wasmFaults = map[string]fault{
	"module-empty":       {bytes: func([]byte) []byte { return []byte("\x00asm\x01\x00\x00\x00") }},
	"module-not-wasm":    {bytes: func([]byte) []byte { return []byte("#!/bin/sh\n") }},
	"module-without-end": {bytes: func(data []byte) []byte { return data[:len(data)/2] }},
	"module-not-started": {bytes: func(data []byte) []byte { return bytes.Replace(data, []byte("\x06_start"), []byte("\x06_stirt"), 1) }},
	"module-not-reproducible": {bytes: func(data []byte) []byte {
		return append(data, customSection("zoo", strconv.FormatInt(time.Now().UnixNano(), 10))...)
	}},
	"options-ignored": {request: func(_ *build, r *backendv1.BuildRequest) bool {
		if w := r.GetStart().GetBuild().GetWasm(); w != nil {
			w.Options = nil
		}
		return true
	}},
	"inputs-not-told": {event: without(func(e *backendv1.BuildEvent) bool { return e.GetInputRead() != nil })},
	"findings-lost":   {event: failing(func(f *backendv1.Failed) { f.Findings = nil })},
	"findings-shifted": {event: failing(func(f *backendv1.Failed) {
		for _, found := range f.GetFindings() {
			if r := found.GetDiagnostic().GetRange(); r != nil {
				r.Line, r.EndLine = r.Line+1, r.EndLine+1
			}
		}
	})},
	"findings-elsewhere": {event: failing(func(f *backendv1.Failed) {
		for _, found := range f.GetFindings() {
			found.File = "/tmp/" + found.GetFile()
		}
	})},
}

// customSection is one of the WebAssembly binary format (5.5.3), shorter than
// 128 bytes.
func customSection(name, text string) []byte {
	return append([]byte{0, byte(1 + len(name) + len(text)), byte(len(name))}, name+text...)
}
