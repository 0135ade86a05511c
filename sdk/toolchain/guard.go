// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

const (
	// guardArg as first argument makes an executable a guard.
	guardArg = "--guard-tool"
	// exitNotStarted is the guard's exit code when there is nothing to guard,
	// as a shell's for a command it cannot find.
	exitNotStarted = 127
)

// Guard does nothing in an ordinary process. In one that Run started as a
// guard it does the guard's work and does not return. It must be the first
// call of main.
func Guard() {
	if len(os.Args) > 2 && os.Args[1] == guardArg {
		os.Exit(guard(os.Args[2:]))
	}
}

// guard runs a program with the guard's own output and returns its exit code.
// Its input ends when the backend does; the program has none.
func guard(argv []string) int {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitNotStarted
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		killOwnGroup(cmd)
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return exitNotStarted
	}
	return exitCode(cmd.ProcessState)
}
