// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"os/exec"
	"syscall"
)

// ownSession takes the terminal away from a command, so that nothing it starts
// asks there. All of it ends with the command's context; the command also with
// us, whatever ends us, and then what it started has nobody to write to.
func ownSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
