// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package life

// seesProcesses says that this system does not show processes as Linux does, so
// that cases about them cannot run.
const seesProcesses = false

// proc is a process.
type proc struct{ pid int }

// entry is what the system says of a process.
type entry struct {
	proc
	parent, group int
	name          string
}

func running() map[int]entry       { return nil }
func commandLine(int) string       { return "" }
func environment(int) string       { return "" }
func mountsOf(int) map[string]bool { return nil }
func sampleOf(int) sample          { return nil }
func kill(int)                     {}
func unmount(string)               {}
