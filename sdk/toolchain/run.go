// SPDX-License-Identifier: Apache-2.0

// Package toolchain is what backends of programming languages share: it runs
// the programs of a language's toolchain with exactly the environment they are
// given, streams their output line by line, and leaves neither a process nor a
// temporary file behind, however the run ends.
//
// A program runs under a guard: a second instance of the backend's own
// executable that leads the program's process group, and kills the group when
// the backend is gone, even by SIGKILL. So main begins with Guard.
//
// A backend embeds shelf.Keeper, which keeps its modules, and has two methods
// of its own. Describe looks for the toolchain (Find, Ask) and answers with
// the function Describe. Build takes the project's folder from Accept, runs
// Steps, and makes the module in the last one (Step.Make). When a program ends
// badly, Step.Failed explains it by FailureOf and Causes. The example is such a
// backend.
//
// The packages below it keep modules (shelf), find places in a project's files
// (place), look into modules (module) and test all that (toolchaintest).
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"
)

// drainTime is how long Run waits for output of processes that left the
// program's group before it stops listening.
const drainTime = 2 * time.Second

// Command is one run of a program.
type Command struct {
	// Path is the program, absolute.
	Path string
	// Args are its arguments, without its name.
	Args []string
	// Dir is its working directory.
	Dir string
	// Env is its whole environment, "KEY=value"; the last of a key counts.
	Env []string
	// Temp is a folder for temporary files. The program gets one of its own in
	// it, as TMPDIR, which is removed when the program has ended. With "" it
	// gets none.
	Temp string
	// Stdout and Stderr get each line it writes, newline included where it
	// wrote one. They are never called at the same time, and do not keep the
	// line. Nil discards.
	Stdout, Stderr func(line []byte)
}

// ExitError says that a program ended with another exit code than 0.
type ExitError struct {
	// Code is the exit code; 128 plus the signal for a program that a signal
	// ended.
	Code int
}

// Error returns the exit code as a sentence.
func (e *ExitError) Error() string {
	if e.Code > 128 {
		return fmt.Sprintf("ended by signal %d", e.Code-128)
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// Run runs a program to its end. When ctx ends first, the program and all it
// started are killed, and the error is the context's cause. A program that
// ends badly gives an *ExitError.
func Run(ctx context.Context, c Command) error {
	if c.Temp == "" {
		return run(ctx, c)
	}
	temp, err := os.MkdirTemp(c.Temp, "run-")
	if err != nil {
		return fmt.Errorf("making a folder for temporary files of %s: %w", c.Path, err)
	}
	c.Env = append(slices.Clip(c.Env), "TMPDIR="+temp)
	defer os.RemoveAll(temp) // what stays goes with the folder of the job
	return run(ctx, c)
}

// run is Run with the folder for temporary files in the environment.
func run(ctx context.Context, c Command) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding the guard for %s: %w", c.Path, err)
	}
	cmd := exec.CommandContext(ctx, self, append([]string{guardArg, c.Path}, c.Args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.Dir, c.Env, drainTime
	leadGroup(cmd)
	if _, err := cmd.StdinPipe(); err != nil { // its end tells the guard that the backend is gone
		return fmt.Errorf("running %s: %w", c.Path, err)
	}
	flush := stream(cmd, c)
	err = cmd.Run()
	if ctx.Err() != nil && cmd.Process != nil {
		awaitGroup(cmd)
	}
	flush()
	return outcome(ctx, c, err)
}

// outcome turns what exec says about the guard into what Run promises.
func outcome(ctx context.Context, c Command, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return &ExitError{Code: exitCode(exit.ProcessState)}
	case errors.Is(err, exec.ErrWaitDelay):
		return nil // the program ended well; only its output was held open
	case err != nil:
		return fmt.Errorf("running %s: %w", c.Path, err)
	}
	return nil
}

// stream connects the output. The function it returns passes on what the last
// lines held when they had no newline.
func stream(cmd *exec.Cmd, c Command) (flush func()) {
	var mu sync.Mutex
	stdout := &lineWriter{mu: &mu, emit: c.Stdout}
	stderr := &lineWriter{mu: &mu, emit: c.Stderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return func() {
		stdout.flush()
		stderr.flush()
	}
}
