// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package jail runs a command so that it can reach nothing but its own file
// tree.
//
// The caller is the first process of new user, mount, PID, IPC, UTS, cgroup
// and, for a command without a network, network namespaces: Flags. Run changes
// one thread of it into what the command is to be, with a mount namespace, root
// folder, capabilities and system call filter of its own, and starts the
// command from that thread: so there is no process between the two. When the
// caller ends, however it ends, the kernel ends all that is in the namespaces.
//
// What a command cannot do, beside what its namespaces keep from it:
//   - look into the caller, which it sees as process 1, or change it: the
//     caller has capabilities that the command lacks, and is not dumpable
//   - get into what the caller has by a working directory or the place of a
//     mount that leads over the links of /proc
//   - change the machine's devices, or what of /proc is not about processes,
//     not even their modes: but /proc/net, when it has the machine's network
//     and is the machine's superuser
//   - gain privileges by set-id programs or file capabilities (no_new_privs)
//   - talk to abstract sockets of the machine, where the kernel has Landlock's
//     scopes
//   - make namespaces, mount, load code into the kernel: see denied
//   - see the machine's devices: /dev has null, zero, full, random, urandom and
//     tty; /sys has nothing but the CPUs
package jail

import (
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Hostname is the name of the machine that commands see: the same everywhere,
// so that none can leave a trace.
const Hostname = "build"

// Flags are the namespaces that the caller of Run must be the first process
// of: for clone(2).
func Flags(network bool) uintptr {
	const all = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP
	if network {
		return all
	}
	return all | unix.CLONE_NEWNET
}

// Spec is a command to run.
type Spec struct {
	// Root is the folder that becomes its "/", absolute.
	Root string
	// Argv and Env are its arguments and environment. A first argument without
	// a "/" is looked up in the PATH of Env, inside Root.
	Argv, Env []string
	// Dir is its working directory, absolute; made when it is missing.
	Dir string
	// UID, GID and Groups are who it runs as.
	UID, GID uint32
	Groups   []uint32
	// OneID says that only one user is mapped, and the kernel refuses
	// setgroups(2).
	OneID bool
	// Network says that it has the machine's network.
	Network bool
	// SocketCall says that its programs cannot do without socketcall(2), which
	// makes all kinds of sockets: those for 32-bit PCs.
	SocketCall bool
	// Mounts are mounted in order, after /proc, /sys and /dev.
	Mounts []Mount
	// Stdout and Stderr are where it writes. It becomes their owner. There is
	// nothing for it to read.
	Stdout, Stderr *os.File

	// stdin is its own /dev/null.
	stdin *os.File
}

// Mount is something mounted into the command's tree. What it is mounted on is
// made when it is missing.
type Mount struct {
	// Target is where, absolute, in the command's view.
	Target string
	// Source is the file or folder, absolute, in the caller's view. Empty: an
	// empty file system in memory.
	Source string
	// ReadOnly says that writing is refused.
	ReadOnly bool
	// Size limits what is in memory, in bytes; 0 for no limit.
	Size int64
	// Mode are the permission bits of what is in memory.
	Mode uint32
}

// Exit is how a command ended.
type Exit struct {
	// Code is the exit code; 128 plus the signal when one ended it, 127 when it
	// was not found and 126 when it could not be started.
	Code int
	// Reason says why it could not be started. Empty when it ran.
	Reason string
}

// Prepare makes the namespaces of Flags ready: no mount of the machine follows
// one of ours, the host name, the loopback interface when the network is our
// own; and no other process may look into this one. It is called once, first.
func Prepare(network bool) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hiding this process: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Sethostname([]byte(Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if network {
		return nil
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bringing up the loopback interface: %w", err)
	}
	return nil
}

// loopbackUp brings up "lo".
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

// Run runs the command to its end, and ends all that it started. An error is
// what keeps it from being tried.
func Run(s Spec) (Exit, error) {
	type result struct {
		pid  int
		exit Exit
		err  error
	}
	started := make(chan result)
	go func() {
		// Never unlocked: the thread ends with this function.
		runtime.LockOSThread()
		pid, exit, err := s.start()
		started <- result{pid, exit, err}
	}()
	r := <-started
	if r.err != nil || r.pid == 0 {
		return r.exit, r.err
	}
	exit, err := wait(r.pid)
	if err != nil {
		return Exit{}, err
	}
	return exit, killAll()
}

// wait waits for the command. Orphans of the namespace end up here, too.
func wait(command int) (Exit, error) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR || err == nil && pid != command:
		case err != nil:
			return Exit{}, fmt.Errorf("waiting for the command: %w", err)
		case status.Signaled():
			return Exit{Code: 128 + int(status.Signal())}, nil
		default:
			return Exit{Code: status.ExitStatus()}, nil
		}
	}
}

// killAll ends all other processes of the namespace: none may change files
// that are about to be collected, or hold on to the command's output.
func killAll() error {
	if os.Getpid() != 1 {
		return fmt.Errorf("ending what the command started: process %d is not the first of its namespace", os.Getpid())
	}
	if err := syscall.Kill(-1, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("ending what the command started: %w", err)
	}
	for {
		_, err := syscall.Wait4(-1, nil, 0, nil)
		if err == syscall.ECHILD {
			return nil
		}
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("waiting for what the command started: %w", err)
		}
	}
}
