// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package peer

import "os/exec"

// No backend runs here: the system gives a process no lifeline, and spawn says
// so.

func ownGroup(*exec.Cmd) {}

func (c *child) kill()      { _ = c.cmd.Process.Kill() }
func (c *child) stop()      {}
func (c *child) cont()      {}
func (c *child) killGroup() { c.kill() }
