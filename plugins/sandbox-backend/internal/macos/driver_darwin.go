// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"os/user"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
)

// New returns the driver.
func New() driver.Driver {
	r := runner{tool: sandboxExec, list: processes}
	if me, err := user.Current(); err == nil {
		r.home = me.HomeDir
	}
	return r
}

// Main is the process that ends a command when the backend died, and does not
// return in one. In any other process it does nothing. It must be called first
// in main.
func Main() { keepMain(processes) }
