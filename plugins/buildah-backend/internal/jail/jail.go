// SPDX-License-Identifier: Apache-2.0

// Package jail puts a worker where it cannot leave anything behind: it is
// process 1 of its own PID namespace and has its own mounts and System V IPC,
// so when it ends, however it ends, the kernel ends all of the job.
//
// Root needs nothing else. Another user enters a user namespace first, with
// the subordinate ids of /etc/subuid and /etc/subgid.
package jail

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"go.podman.io/storage/pkg/reexec"
	"go.podman.io/storage/pkg/unshare"
	"golang.org/x/sys/unix"
)

// EventsFD is the file descriptor that a worker's events go to.
const EventsFD = 3

// nestName is argv[0] of the process between a user namespace and its
// process 1.
const nestName = "buildah-backend-nest"

// Register makes the jail's own re-execution known. It must be called before
// reexec.Init.
func Register() { reexec.Register(nestName, func() { os.Exit(nest()) }) }

// Enter returns inside as true in process 1 of the jail. In any other process
// it runs this program again, inside, and returns the exit code of that.
//
// The caller's goroutine must be locked to its thread: the children die with
// the thread that started them.
func Enter() (code int, inside bool) {
	switch {
	case os.Getpid() == 1:
		return 0, true
	case os.Geteuid() == 0:
		return nest(), false
	}
	return userNamespace(), false
}

// Flags are the namespaces of process 1. The server sets them itself when it
// is root, and so saves a process.
const Flags = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC

func nest() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: Flags, Pdeathsig: syscall.SIGKILL}
	passOn(cmd)
	return exitCode(cmd.Run())
}

func passOn(cmd *exec.Cmd) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{os.NewFile(EventsFD, "events")}
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	}
	fmt.Fprintf(os.Stderr, "starting the worker in its own namespaces: %v\n", err)
	return 1
}

// userNamespace runs this program again as root of a user namespace.
func userNamespace() int {
	cmd := unshare.Command(append([]string{nestName}, os.Args[1:]...)...)
	passOn(cmd.Cmd)
	cmd.Env = append(os.Environ(),
		unshare.UsernsEnvName+"=done",
		"_CONTAINERS_ROOTLESS_UID="+strconv.Itoa(os.Geteuid()),
		"_CONTAINERS_ROOTLESS_GID="+strconv.Itoa(os.Getegid()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.UnshareFlags = unix.CLONE_NEWUSER
	if err := mapIDs(cmd); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return exitCode(cmd.Run())
}

// mapIDs maps the user to root and the subordinate ids to those from 1 on.
func mapIDs(cmd *unshare.Cmd) error {
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("looking up the name of user %d, whose subordinate ids are needed: %w", os.Geteuid(), err)
	}
	uids, gids, err := unshare.GetSubIDMappings(me.Username, me.Username)
	if err != nil {
		return err
	}
	cmd.UseNewuidmap, cmd.UseNewgidmap, cmd.GidMappingsEnableSetgroups = true, true, true
	cmd.UidMappings = idMap(os.Geteuid(), uids)
	cmd.GidMappings = idMap(os.Getegid(), gids)
	return nil
}

func idMap(own int, subordinate []specs.LinuxIDMapping) []specs.LinuxIDMapping {
	all := []specs.LinuxIDMapping{{ContainerID: 0, HostID: uint32(own), Size: 1}}
	next := uint32(1)
	for _, m := range subordinate {
		m.ContainerID = next
		next += m.Size
		all = append(all, m)
	}
	return all
}
