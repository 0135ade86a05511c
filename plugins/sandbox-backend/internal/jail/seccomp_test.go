// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "rewrite testdata")

// filter is the program of a machine, to be asked.
type filter struct {
	t  testing.TB
	vm *bpf.VM
}

func newFilter(t testing.TB, goarch string, socketcall bool) filter {
	t.Helper()
	p, err := program(goarch, socketcall)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := bpf.Assemble(p); err != nil || len(raw) > 4096 {
		t.Fatalf("%s: %d instructions, %v", goarch, len(raw), err)
	}
	vm, err := bpf.NewVM(p)
	if err != nil {
		t.Fatal(err)
	}
	return filter{t, vm}
}

// decide says what becomes of a call: "allow" or the error.
func (f filter) decide(abi arch.AuditArch, nr int, args ...uint32) string {
	f.t.Helper()
	data := make([]byte, 64)
	put := func(at int, v uint32) { binary.BigEndian.PutUint32(data[at:], v) } // as the VM reads
	put(atNumber, uint32(nr))
	put(atArch, uint32(abi))
	for i, v := range args {
		put(atArgs+8*i, v)
	}
	got, err := f.vm.Run(data)
	if err != nil {
		f.t.Fatal(err)
	}
	switch {
	case uint32(got) == unix.SECCOMP_RET_ALLOW:
		return "allow"
	case uint32(got)&unix.SECCOMP_RET_ACTION_FULL == unix.SECCOMP_RET_ERRNO:
		return unix.ErrnoName(unix.Errno(uint32(got) & unix.SECCOMP_RET_DATA))
	}
	return fmt.Sprintf("%#x", got)
}

// Every call of an amd64 machine, so that what a newer table adds is seen.
func TestDecisions(t *testing.T) {
	f := newFilter(t, "amd64", true)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(arch.X86_64.SyscallNames)) {
		fmt.Fprintln(&text, name, f.decide(arch.X86_64.ID, arch.X86_64.SyscallNames[name]))
	}
	const golden = "testdata/amd64.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("decisions differ from %s; look at what is new, then run with -update", golden)
	}
}

// Names that no table has would protect from nothing.
func TestNamesExist(t *testing.T) {
	for _, name := range slices.Concat(denied, absent) {
		found := false
		for _, tables := range abis {
			for _, abi := range tables {
				_, ok := abi.SyscallNames[name]
				found = found || ok
			}
		}
		if !found {
			t.Errorf("no table has %q", name)
		}
	}
}

func TestAllABIs(t *testing.T) {
	for goarch, tables := range abis {
		f := newFilter(t, goarch, true)
		for _, abi := range tables {
			for name, nr := range abi.SyscallNames {
				got := f.decide(abi.ID, nr)
				switch {
				case slices.Contains(denied, name) && got != "EPERM", slices.Contains(absent, name) && got != "ENOSYS":
					t.Errorf("%s, %s: %s is %s", goarch, abi.Name, name, got)
				case (name == "execve" || name == "openat" || name == "clone" || name == "mknodat") && got != "allow":
					t.Errorf("%s, %s: %s is %s", goarch, abi.Name, name, got)
				}
			}
		}
		if got := f.decide(arch.AuditArch(0xdead), 1); got != "EPERM" {
			t.Errorf("%s: an unknown ABI is %s", goarch, got)
		}
		if got := f.decide(tables[0].ID, int(last(tables[0]))+1); got != "ENOSYS" {
			t.Errorf("%s: a call of the future is %s", goarch, got)
		}
	}
}

func TestArguments(t *testing.T) {
	x := arch.X86_64
	with, without := newFilter(t, "amd64", true), newFilter(t, "amd64", false)
	for _, c := range []struct {
		f    filter
		abi  *arch.Info
		name string
		args []uint32
		want string
	}{
		{with, x, "clone", []uint32{uint32(unix.SIGCHLD)}, "allow"},
		{with, x, "clone", []uint32{unix.CLONE_VM | unix.CLONE_THREAD | unix.CLONE_SIGHAND}, "allow"},
		{with, x, "clone", []uint32{unix.CLONE_NEWUSER | uint32(unix.SIGCHLD)}, "EPERM"},
		{with, arch.I386, "clone", []uint32{unix.CLONE_NEWNS}, "EPERM"},
		{with, x, "personality", []uint32{0}, "allow"},
		{with, x, "personality", []uint32{0xffffffff}, "allow"},
		{with, x, "personality", []uint32{0x40000}, "EPERM"},
		{with, x, "socket", []uint32{unix.AF_INET}, "allow"},
		{with, x, "socket", []uint32{unix.AF_VSOCK}, "EAFNOSUPPORT"},
		{with, x, "ioctl", []uint32{1, unix.TCGETS}, "allow"},
		{with, x, "ioctl", []uint32{0, unix.TIOCSTI}, "EPERM"},
		{with, arch.I386, "socketcall", nil, "allow"},
		{without, arch.I386, "socketcall", nil, "EPERM"},
		{without, arch.I386, "socket", []uint32{unix.AF_VSOCK}, "EAFNOSUPPORT"},
	} {
		if got := c.f.decide(c.abi.ID, c.abi.SyscallNames[c.name], c.args...); got != c.want {
			t.Errorf("%s %s %x is %s, want %s", c.abi.Name, c.name, c.args, got, c.want)
		}
	}
	if got := with.decide(x.ID, x32|x.SyscallNames["mount"]); got != "ENOSYS" {
		t.Errorf("mount of x32 is %s", got)
	}
}

func TestNoTable(t *testing.T) {
	if _, err := program("sparc", true); err == nil || !strings.Contains(err.Error(), "sparc") {
		t.Errorf("error is %v", err)
	}
}
