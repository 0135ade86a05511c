// SPDX-License-Identifier: Apache-2.0

package confine

import (
	"errors"
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// oldest is the first Landlock that lets a process rename from one folder to
// another, without which no toolchain works.
const oldest = 2

// Available returns the version of Landlock in this kernel. It is 0 when
// nothing is confined, and then why says so in words.
func Available() (abi int, why string) {
	abi, err := version()
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return 0, "Landlock is switched off on this machine"
	case err != nil:
		return 0, "this kernel has no Landlock"
	case abi < oldest:
		return 0, fmt.Sprintf("the Landlock of this kernel is too old: it has version %d, and %d is needed", abi, oldest)
	}
	return abi, ""
}

// Start starts a command that may touch what System and the rules allow; where
// Available says no, one that is not confined. The rules hold for all that the
// process will ever start, and it cannot gain privileges (no_new_privs). This
// process is not changed.
func Start(cmd *exec.Cmd, r Rules) error {
	abi, _ := Available()
	if abi == 0 {
		return cmd.Start()
	}
	rules, err := newRuleset(abi, System().With(r))
	if err != nil {
		return err
	}
	defer rules.close()
	return onThread(func() error {
		if err := rules.enter(); err != nil {
			return err
		}
		return cmd.Start()
	})
}

// onThread runs f on a thread that ends with it, so that what f makes of its
// thread stays there. A child has it too, because it is made by that thread;
// other threads do not, because Go makes none from one that is locked.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and no unlock, so that the thread ends
		if unix.Gettid() == unix.Getpid() {
			// The first thread cannot end. While it waits here, f gets another.
			err := onThread(f)
			runtime.UnlockOSThread()
			done <- err
			return
		}
		done <- f()
	}()
	return <-done
}
