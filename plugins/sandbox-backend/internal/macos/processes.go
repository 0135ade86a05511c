// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// process is a running process of this user.
type process struct {
	pid, group, session int
	// env is the environment it was started with. Nil when it cannot be read.
	env []string
}

// lister lists the processes of this user that have not ended.
type lister func() ([]process, error)

// family says which processes belong to commands.
type family struct {
	// session is that of one command; 0 when it is not known.
	session int
	// mark says whether the folder that ZLAYER_ROOT names is one of them.
	mark func(root string) bool
}

// has says whether a process belongs.
func (f family) has(p process) bool {
	if f.session > 1 && (p.session == f.session || p.group == f.session) {
		return true
	}
	return slices.ContainsFunc(p.env, func(v string) bool {
		root, ok := variable([]string{v}, rootVariable)
		return ok && f.mark(root)
	})
}

// How long processes are killed, and how often it is looked.
const (
	endTime  = 3 * time.Second
	endPause = 5 * time.Millisecond
)

// end kills all processes of a family. They may start others meanwhile, so it
// goes on until there are none.
func (f family) end(list lister) error {
	for deadline := time.Now().Add(endTime); ; time.Sleep(endPause) {
		all, err := list()
		if err != nil {
			return fmt.Errorf("looking for the command's processes: %w", err)
		}
		left := slices.DeleteFunc(all, func(p process) bool { return !f.has(p) })
		if len(left) == 0 {
			return nil
		}
		for _, p := range left {
			if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("ending process %d of the command: %w", p.pid, err)
			}
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("process %d of the command does not end", left[0].pid)
		}
	}
}
