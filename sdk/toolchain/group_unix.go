// SPDX-License-Identifier: Apache-2.0

//go:build unix

package toolchain

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// leadGroup puts the guard into a process group of its own, which the end of
// the command's context kills.
func leadGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// awaitGroup waits a moment until a killed group is gone, so that nothing
// writes into a folder that is being removed. It gives up after a second:
// where no init reaps orphans, the dead stay in the group.
func awaitGroup(cmd *exec.Cmd) {
	for range 100 {
		if syscall.Kill(-cmd.Process.Pid, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// killOwnGroup ends the guard and all it started.
func killOwnGroup(*exec.Cmd) { _ = syscall.Kill(0, syscall.SIGKILL) }

// exitCode is a shell's exit code.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
