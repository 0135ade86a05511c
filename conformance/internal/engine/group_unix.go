// SPDX-License-Identifier: Apache-2.0

//go:build unix

package engine

import (
	"os/exec"
	"syscall"
)

// inGroup gives the command a process group, which ends when its ctx does.
func inGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return killGroup(cmd) }
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
