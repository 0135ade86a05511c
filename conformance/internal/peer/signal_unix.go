// SPDX-License-Identifier: Apache-2.0

//go:build unix

package peer

import (
	"errors"
	"os/exec"
	"syscall"
)

// ownGroup gives the process a group of its own.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func (c *child) kill() { c.signal(c.cmd.Process.Pid, syscall.SIGKILL) }
func (c *child) stop() { c.signal(c.cmd.Process.Pid, syscall.SIGSTOP) }
func (c *child) cont() { c.signal(c.cmd.Process.Pid, syscall.SIGCONT) }

// signal sends a signal to the process, or with its negative number to its
// group, while the number is its own.
func (c *child) signal(pid int, s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		_ = syscall.Kill(pid, s)
	}
}

// killGroup kills the process and its group, which may outlive it: a number of
// a group is not given to another one as long as there is a member.
func (c *child) killGroup() {
	if err := syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); errors.Is(err, syscall.ESRCH) {
		c.kill()
	}
}
