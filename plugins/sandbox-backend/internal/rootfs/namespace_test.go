// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// mapping is one way to be superuser.
type mapping struct {
	name string
	ids  []syscall.SysProcIDMap
	root bool
}

// mappings are those that the backend uses: by root, and by a user with and
// without more ids.
func mappings() []mapping {
	return []mapping{
		{"all ids", []syscall.SysProcIDMap{{Size: 1<<32 - 1}}, true},
		{"65536 ids", []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 65536}}, true},
		{"one id", []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}, false},
	}
}

const inside = "ROOTFS_TEST_INSIDE"

// TestMain runs all tests once in each kind of namespace.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	code := 0
	for _, way := range mappings() {
		if way.root && os.Getuid() != 0 {
			continue
		}
		if err := enter(way); err != nil {
			fmt.Fprintf(os.Stderr, "in a namespace of %s: %v\n", way.name, err)
			code = 1
		}
	}
	os.Exit(code)
}

// enter runs the tests in a namespace.
func enter(way mapping) error {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+way.name)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: way.ids, GidMappings: groups(way),
		GidMappingsEnableSetgroups: way.root,
		Credential:                 &syscall.Credential{NoSetGroups: true},
	}
	return cmd.Run()
}

func groups(way mapping) []syscall.SysProcIDMap {
	out := append([]syscall.SysProcIDMap(nil), way.ids...)
	if !way.root {
		out[0].HostID = os.Getgid()
	}
	return out
}

func oneID() bool { return os.Getenv(inside) == "one id" }
