// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// start makes the calling thread what the command is to be, and starts the
// command. A pid of 0 says that it could not be started, for its own fault.
func (s *Spec) start() (pid int, exit Exit, err error) {
	// The folder of the caller's other threads is not to change, nor their
	// mounts.
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return 0, Exit{}, fmt.Errorf("making a mount namespace: %w", err)
	}
	unix.Umask(0)
	if err := s.enter(); err != nil {
		return 0, Exit{}, err
	}
	if err := s.own(); err != nil {
		return 0, Exit{}, err
	}
	if err := workdir(s.Dir); err != nil {
		return 0, Exit{Code: 126, Reason: err.Error()}, nil
	}
	if err := confine(s.Network && s.SocketCall); err != nil {
		return 0, Exit{}, err
	}
	// That of the caller is the machine's own: who owns it may change its mode.
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, Exit{}, err
	}
	defer null.Close()
	s.stdin = null
	pid, exit = s.exec()
	return pid, exit, nil
}

// own gives the command its output, which it may open again as /dev/stdout.
func (s *Spec) own() error {
	for _, f := range []*os.File{s.Stdout, s.Stderr} {
		if err := f.Chown(int(s.UID), int(s.GID)); err != nil {
			return fmt.Errorf("giving user %d the command's output: %w", s.UID, err)
		}
	}
	return nil
}

// workdir enters the working directory.
func workdir(name string) error {
	unix.Umask(0o022)
	dir, err := reach(name, true)
	if err != nil {
		return fmt.Errorf("making the working directory %q: %w", name, err)
	}
	defer dir.Close()
	if err := unix.Fchdir(int(dir.Fd())); err != nil {
		return fmt.Errorf("entering the working directory %q: %w", name, err)
	}
	return nil
}

// confine takes from the thread all that the command is not to have. What a
// thread has is what its children have.
func confine(socketcall bool) error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switching off core dumps: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("setting no_new_privs: %w", err)
	}
	if err := scopeSockets(); err != nil {
		return err
	}
	return filterSyscalls(socketcall)
}

// defaultPath is where programs are looked for without a PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// exec starts the command as execvp(3) does: the first file that can be
// started, tried by the user it runs as.
func (s *Spec) exec() (pid int, exit Exit) {
	name := s.Argv[0]
	if strings.Contains(name, "/") {
		pid, err := s.fork(name)
		return pid, failed(name, err)
	}
	var refused error
	for dir := range strings.SplitSeq(s.path(), ":") {
		file := path.Join(dir, name)
		if !path.IsAbs(file) {
			file = "./" + file
		}
		if _, err := os.Stat(file); err != nil {
			continue
		}
		pid, err := s.fork(file)
		if err == nil {
			return pid, Exit{}
		}
		if refused == nil {
			refused = err
		}
		if !errors.Is(err, syscall.EACCES) {
			break
		}
	}
	if refused != nil {
		return 0, failed(name, refused)
	}
	return 0, Exit{Code: 127, Reason: fmt.Sprintf("%q is not in the PATH of the image (%s)", name, s.path())}
}

func (s *Spec) path() string {
	for _, e := range s.Env {
		if value, ok := strings.CutPrefix(e, "PATH="); ok {
			return value
		}
	}
	return defaultPath
}

func (s *Spec) fork(file string) (int, error) {
	return syscall.ForkExec(file, s.Argv, &syscall.ProcAttr{
		Env:   s.Env,
		Files: []uintptr{s.stdin.Fd(), s.Stdout.Fd(), s.Stderr.Fd()},
		Sys: &syscall.SysProcAttr{
			Setsid:     true,
			Credential: &syscall.Credential{Uid: s.UID, Gid: s.GID, Groups: s.groups(), NoSetGroups: s.OneID},
		},
	})
}

// groups adds a user's own group to the supplementary ones, so that a command
// cannot get rid of it (CVE-2022-36109).
func (s *Spec) groups() []uint32 {
	all := []uint32{s.GID}
	for _, g := range s.Groups {
		if g != s.GID {
			all = append(all, g)
		}
	}
	return all
}

// failed explains why a command could not be started.
func failed(name string, err error) Exit {
	switch {
	case err == nil:
		return Exit{}
	case errors.Is(err, syscall.ENOENT):
		if _, there := os.Stat(name); there == nil {
			return Exit{Code: 127, Reason: fmt.Sprintf("%q cannot be started: the interpreter or loader that it asks for does not exist", name)}
		}
		return Exit{Code: 127, Reason: fmt.Sprintf("%q does not exist", name)}
	case errors.Is(err, syscall.ENOTDIR):
		return Exit{Code: 127, Reason: fmt.Sprintf("%q does not exist", name)}
	case errors.Is(err, syscall.ENOEXEC):
		return Exit{Code: 126, Reason: fmt.Sprintf("%q is not a program of this machine: exec format error", name)}
	}
	return Exit{Code: 126, Reason: fmt.Sprintf("%q cannot be started: %v", name, err)}
}
