// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package toolchain

import (
	"os"
	"os/exec"
)

// Without process groups only the guard and the program itself are ended: the
// guard by the context, and the program by the end of the guard's input.

func leadGroup(*exec.Cmd) {}

func awaitGroup(*exec.Cmd) {}

func killOwnGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func exitCode(state *os.ProcessState) int { return state.ExitCode() }
