// SPDX-License-Identifier: Apache-2.0

package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	_ "go.podman.io/buildah/chroot" // registers the runtime that start runs
	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// ExitError is a command that failed.
type ExitError struct {
	// Code is the exit code; for a signal 128 and its number, as shells say it;
	// 127 and 126 for what could not be started.
	Code int
	// Reason says more, when there is more: why it could not be started, or
	// the signal.
	Reason string
}

// Error describes the failure.
func (e *ExitError) Error() string {
	if e.Reason != "" {
		return e.Reason
	}
	return fmt.Sprintf("exit code %d", e.Code)
}

// runtimeName is argv[0] of buildah's chroot runtime.
const runtimeName = "buildah-chroot-runtime"

// start runs a command by buildah's chroot runtime, a re-execution of this
// program that package chroot registers.
//
// It does what chroot.RunUsingChroot does except to go through unshare.Cmd,
// which without asking for a namespace only copies the whole program into
// memory, for 70 of a command's 100 ms.
func start(c Command, spec *specs.Spec) error {
	config, err := json.Marshal(struct {
		Spec       *specs.Spec
		BundlePath string
	}{spec, c.Bundle})
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	errs := &lastWords{w: c.Stderr}
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{runtimeName}
	cmd.Dir = "/"
	cmd.Env = []string{"LOGLEVEL=2"} // errors
	cmd.Stdout, cmd.Stderr = c.Stdout, errs
	cmd.ExtraFiles = []*os.File{r}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	done := make(chan error, 1)
	go func() { done <- runOnThread(cmd, c.Step.Network) }()
	_, writeErr := w.Write(config)
	closeErr := w.Close()
	if err := <-done; err != nil {
		return errs.explain(err)
	}
	errs.flush()
	return errors.Join(writeErr, closeErr)
}

// runOnThread runs cmd from a thread of its own, in a network namespace of its
// own when there is to be no network. The thread is not used again.
func runOnThread(cmd *exec.Cmd, network irv1.Network) error {
	runtime.LockOSThread()
	if network == irv1.Network_NETWORK_NONE {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("making an empty network: %w", err)
		}
		if err := loopbackUp(); err != nil {
			return fmt.Errorf("bringing up the loopback interface: %w", err)
		}
	}
	return cmd.Run()
}

// loopbackUp brings up "lo" of the thread's network namespace.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
}

// lastWords passes on what a command writes to stderr and keeps back what may
// be the runtime's own report of its end.
type lastWords struct {
	w interface{ Write([]byte) (int, error) }
	// held begins like a report.
	held []byte
}

// reports are the ways in which lines of the runtime begin, in the order in
// which they may come.
var reports = [][]byte{
	[]byte("error running subprocess: "),
	[]byte("process failed to start with error: "),
	[]byte("process exited with error: "),
	[]byte("subprocess exited with status "),
	[]byte("subprocess exited on "),
}

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.held = append(l.held, p...)
	safe := l.safe()
	if _, err := l.w.Write(l.held[:safe]); err != nil && safe > 0 {
		return 0, err
	}
	l.held = append(l.held[:0], l.held[safe:]...)
	return len(p), nil
}

// safe returns how much of what is held cannot be a report: all up to the
// earliest place from which on there are only reports.
func (l *lastWords) safe() int {
	for i := range l.held {
		if onlyReports(l.held[i:]) {
			return i
		}
	}
	return len(l.held)
}

func onlyReports(p []byte) bool {
	for len(p) > 0 {
		rest, ok := skipReport(p)
		if !ok {
			return false
		}
		p = rest
	}
	return true
}

// skipReport drops one report, which may be incomplete at the end.
func skipReport(p []byte) (rest []byte, ok bool) {
	for _, start := range reports {
		n := min(len(p), len(start))
		if !bytes.Equal(p[:n], start[:n]) {
			continue
		}
		if end := bytes.IndexByte(p, '\n'); end >= 0 {
			return p[end+1:], true
		}
		return nil, true
	}
	return nil, false
}

func (l *lastWords) flush() {
	if len(l.held) > 0 {
		l.w.Write(l.held) //nolint:errcheck // the command is over
		l.held = nil
	}
}

// explain turns the end of the runtime and its reports into an ExitError.
func (l *lastWords) explain(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		l.flush()
		return err
	}
	e := &ExitError{Code: exit.ExitCode()}
	for line := range bytes.SplitSeq(l.held, []byte("\n")) {
		if what, ok := bytes.CutPrefix(line, reports[0]); ok {
			return fmt.Errorf("preparing the command: %s", what)
		}
		if reason, ok := bytes.CutPrefix(line, reports[1]); ok {
			e.Reason, e.Code = string(reason), 126
			if bytes.Contains(reason, []byte("not found")) || bytes.Contains(reason, []byte("no such file")) {
				e.Code = 127
			}
			return e
		}
		if name, ok := bytes.CutPrefix(line, reports[4]); ok {
			e.Reason, e.Code = "killed by signal: "+string(name), 128+signalNumber(string(name))
			return e
		}
	}
	return e
}

// signalNumber is the reverse of syscall.Signal.String.
func signalNumber(name string) int {
	for n := range syscall.Signal(65) {
		if n.String() == name {
			return int(n)
		}
	}
	return 0
}
