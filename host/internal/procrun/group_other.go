// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package procrun

import (
	"os"
	"os/exec"
)

// Supported is whether backends run on this system. A process is given no
// lifeline here and has no group, so what a backend started could outlive it; go-plugin
// listens where all users of the machine can connect; and the folder of a job
// cannot be removed as long as its lock is open.
const Supported = false

// ownGroup does nothing: there are no groups.
func ownGroup(*exec.Cmd) {}

// killGroup kills a process.
func killGroup(p *os.Process) { _ = p.Kill() }

// killed cannot tell.
func killed(*os.ProcessState) bool { return false }
