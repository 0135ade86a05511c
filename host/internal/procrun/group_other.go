// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package procrun

import (
	"os"
	"os/exec"
)

// ownGroup does nothing: there are no groups.
func ownGroup(*exec.Cmd) {}

// killGroup kills a process.
func killGroup(p *os.Process) { _ = p.Kill() }

// killed cannot tell.
func killed(*os.ProcessState) bool { return false }
