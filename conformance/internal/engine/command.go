// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// leftover is how long a process that left the group of the command may keep
// its pipes open.
const leftover = 2 * time.Second

// startCommand runs a module by the engine's command, in a process group that
// ends with it and with ctx.
func (e *Engine) startCommand(ctx context.Context, module string, args []string) (*Instance, error) {
	argv := make([]string, len(e.command), len(e.command)+len(args))
	for i, arg := range e.command {
		argv[i] = strings.ReplaceAll(arg, placeholder, module)
	}
	if len(args) > 0 {
		argv = append(argv, args[1:]...)
	}
	i := &Instance{stderr: &tail{}}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr, cmd.WaitDelay = i.stderr, leftover
	inGroup(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the engine: %w", err)
	}
	unblock := context.AfterFunc(ctx, func() { _ = stdout.Close() })
	i.Stdin, i.Stdout = stdin, stdout
	i.memory = func() uint64 { return resident(cmd.Process.Pid) }
	i.wait = sync.OnceValues(func() (int, error) {
		defer unblock()
		err := cmd.Wait()
		_ = killGroup(cmd)
		return exitCode(ctx, err)
	})
	return i, nil
}

// exitCode reads what came of a process.
func exitCode(ctx context.Context, err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return -1, ctx.Err()
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case err != nil:
		return -1, err
	}
	return 0, nil
}

// resident is how many bytes of a process are in memory, where /proc says so.
func resident(pid int) uint64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
