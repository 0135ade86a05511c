// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Accept returns the folder of the project that a build is about, absolute and
// without links. A build of anything but a WASI preview1 module in the language
// ("go") is an error: the manifest promises no more, so only a host that is
// wrong asks for it.
func Accept(start *backendv1.Start, language string) (project string, err error) {
	wasm := start.GetBuild().GetWasm()
	switch {
	case wasm == nil:
		return "", backend.Sourcef(nil, "this backend builds WebAssembly modules, not container images")
	case wasm.GetLanguage() != language:
		return "", backend.Sourcef(nil, "this backend builds language %q, not %q", language, wasm.GetLanguage())
	case wasm.GetTarget() != "preview1":
		return "", backend.Sourcef(nil, "this backend builds for target preview1, not %q", wasm.GetTarget())
	case len(start.GetContexts()) != 1:
		return "", fmt.Errorf("a WebAssembly build has one context, not %d", len(start.GetContexts()))
	}
	project, err = filepath.EvalSymlinks(start.GetContexts()[0].GetPath())
	if err == nil {
		project, err = filepath.Abs(project)
	}
	if err != nil {
		return "", backend.Sourcef(nil, "reading the project: %v", err)
	}
	return project, nil
}

// Option returns the value of an option that has one (ir.WasmProfile, …); ""
// when the build file does not set it. Those that have several are asked for
// with ir.WasmOption.
func Option(start *backendv1.Start, name string) string {
	if values := ir.WasmOption(start.GetBuild().GetWasm(), name); len(values) > 0 {
		return values[0]
	}
	return ""
}

// Describe is the answer of a backend that has looked for its toolchain.
// Identity is all that decides what the toolchain makes; a build reports the
// same by InputRead("tool", language, identity), so that the host can tell when
// a module is out of date. An err that is a *backend.Failure says why the
// toolchain cannot be used: then the language is subtracted.
func Describe(language, identity string, err error) (*backendv1.DescribeResponse, error) {
	if failure := (*backend.Failure)(nil); errors.As(err, &failure) {
		return &backendv1.DescribeResponse{Subtracted: []*backendv1.Subtraction{{
			Feature: "wasm." + language, Reason: "no-" + language + "-toolchain",
			Message: failure.Message, Alternative: failure.Help,
		}}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &backendv1.DescribeResponse{Tools: []*irv1.KeyValue{{Key: language, Value: identity}}}, nil
}
