// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package remote

import (
	"os/exec"
	"syscall"
)

// ownSession takes the terminal away from a command, so that nothing it starts
// asks there. All of it ends with the command's context.
func ownSession(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
