// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/toolchain/module"
)

// CheckPreview1 refuses a file that the step made and that is no WASI preview1
// command. A module that also imports from elsewhere may be meant for a host
// that has it, so that is a warning.
func (s Step) CheckPreview1(path string) error {
	m, err := module.Open(path)
	if err != nil {
		return err
	}
	if !m.IsCommand() {
		f := backend.Sourcef(s.Ref(), "the module has no _start function, so no host can run it")
		f.Help = "give the program a main function"
		return f
	}
	if foreign := m.Foreign(); len(foreign) > 0 {
		d := diag.Warning(nil, "wasm-imports", "the module imports from "+strings.Join(foreign, ", ")+", which WASI preview1 does not have")
		d.Help = "only a host that has them can run it"
		s.Job.Warn(s.Ref(), backend.At("", d))
	}
	return nil
}
