// SPDX-License-Identifier: Apache-2.0

//go:build unix

package remote

import (
	"os"
	"os/exec"
	"syscall"
)

// guarded runs git beside a guard that waits for the end of a pipe. Only we hold
// its other end, so that it comes with our death, whatever the cause.
const guarded = `(cat <&3; kill -9 0) > /dev/null 2>&1 & exec git "$@" 3<&-`

// ownSession takes the terminal away from a command of git, so that nothing it
// starts asks there, and ends all of that with the command's context, or with us.
// What it returns is for after the command.
func ownSession(cmd *exec.Cmd) (release func(), err error) {
	shell, err := exec.LookPath("sh")
	if err != nil {
		return nil, err
	}
	end, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Path, cmd.Args = shell, append([]string{"sh", "-c", guarded}, cmd.Args...)
	cmd.ExtraFiles = []*os.File{end}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return func() { end.Close(); ours.Close() }, nil
}
