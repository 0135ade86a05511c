// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aloneEnv is set in a test that runs again where there is no network.
const aloneEnv = "ZLAYER_TEST_ALONE"

// alone runs a test again in a network namespace of its own, where nothing is
// but loopback. It says whether this is that run.
func alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(aloneEnv) != "" {
		bringUpLoopback(t)
		assertAlone(t)
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^"+t.Name()+"$", "-test.timeout=10m", "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Env = append(os.Environ(), aloneEnv+"=1")
	cmd.SysProcAttr = isolation()
	out, err := cmd.CombinedOutput()
	t.Logf("alone:\n%s", out)
	if err != nil {
		t.Error(err)
	}
	return false
}

// isolation is a network namespace. Who is not root needs a user namespace to
// make it, and the right to bring loopback up.
func isolation() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		a.Cloneflags |= syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
		a.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	}
	return a
}

func bringUpLoopback(t *testing.T) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal("bringing loopback up: ", err)
	}
}

// assertAlone makes sure that nobody else can be reached.
func assertAlone(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if c, err := new(net.Dialer).DialContext(ctx, "tcp", "192.0.2.1:443"); err == nil {
		c.Close()
		t.Fatal("there is a network")
	}
	if addresses, err := net.DefaultResolver.LookupHost(ctx, "example.com"); err == nil {
		t.Fatal("names are resolved: ", addresses)
	}
	if err := ctx.Err(); err != nil {
		t.Fatal("that there is no network is only found out late: ", err)
	}
}
