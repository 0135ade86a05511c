// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"strconv"
)

// peak runs a command and writes how many bytes of memory the largest of its
// processes had. It is a process of its own, and small: the kernel counts what
// a parent has at the time of the fork as the child's.
//
//	peak FILE COMMAND ARGUMENT…
func peak() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fatal(err)
	}
	if err := os.WriteFile(os.Args[1], []byte(strconv.FormatInt(maxRSS(cmd.ProcessState), 10)), 0o600); err != nil {
		fatal(err)
	}
}
