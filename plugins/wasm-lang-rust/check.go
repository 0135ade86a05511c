// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/toolchain/module"
)

// checkModule refuses what is no WASI preview1 command. A module that imports
// from elsewhere too may be meant for a host that has it, so that is a warning.
func (b *build) checkModule(path string) error {
	m, err := module.Open(path)
	if err != nil {
		return err
	}
	step := b.step(stepBuild)
	if !m.IsCommand() {
		f := backend.Sourcef(step.Ref(), "the module has no _start function, so no host can run it")
		f.Help = "give the program a fn main, without #![no_main]"
		return f
	}
	if foreign := m.Foreign(); len(foreign) > 0 {
		d := diag.Warning(nil, "wasm-imports", "the module imports from "+strings.Join(foreign, ", ")+", which WASI preview1 does not have")
		d.Help = "only a host that has them can run it; crates for browsers, such as wasm-bindgen, have no use here"
		b.job.Warn(step.Ref(), backend.At("", d))
	}
	return nil
}
