// SPDX-License-Identifier: Apache-2.0

package macos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// A keeper is a process beside each command, this program again, that ends the
// command's processes should the backend die without doing so: macOS has no
// signal for that. It has a session of its own, so that what kills the
// backend's does not reach it.
type keeper struct {
	cmd  *exec.Cmd
	line io.WriteCloser
}

// keeperName is the first argument of a keeper; the second is the folder that
// ZLAYER_ROOT names.
const keeperName = "zlayer-keeper"

// done is what a keeper is told when there is nothing more to keep.
const done = "done"

// startKeeper starts a keeper for the command that will have a root.
func startKeeper(root string) (*keeper, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	k := &keeper{cmd: &exec.Cmd{
		Path: self, Args: []string{keeperName, root}, Env: []string{}, Dir: "/", Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}}
	if k.line, err = k.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the process that outlives this one: %w", err)
	}
	return k, nil
}

// watch tells the keeper the command's session.
func (k *keeper) watch(session int) error {
	_, err := fmt.Fprintln(k.line, session)
	return err
}

// close ends the keeper. Nothing of the command is left, so it does nothing.
func (k *keeper) close() error {
	_, err := fmt.Fprintln(k.line, done)
	return errors.Join(err, k.line.Close(), k.cmd.Wait())
}

// keepMain is a keeper, and does not return in one.
func keepMain(list lister) {
	if len(os.Args) != 2 || os.Args[0] != keeperName {
		return
	}
	root := os.Args[1]
	f := family{mark: func(r string) bool { return r == root }}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if text == done {
			os.Exit(0)
		}
		f.session, _ = strconv.Atoi(text)
	}
	if err := f.end(list); err != nil {
		fmt.Fprintln(os.Stderr, "sandbox-backend:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
