// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// disk is a file system of its own, in memory.
type disk struct {
	t   *testing.T
	dir string
}

// enough is the size of a disk, in bytes and in files, that nothing here fills.
const enough = 1 << 30

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{t, t.TempDir()}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, fmt.Sprintf("mode=700,size=%d", enough)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	return d
}

// remount changes the options of the disk.
func (d *disk) remount(flags uintptr, format string, args ...any) {
	d.t.Helper()
	if err := syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|flags, fmt.Sprintf(format, args...)); err != nil {
		d.t.Fatal(err)
	}
}

// leave leaves so much room, in bytes and in files, on the disk.
func (d *disk) leave(bytes, files uint64) {
	d.t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &st); err != nil {
		d.t.Fatal(err)
	}
	d.remount(0, "size=%d,nr_inodes=%d", (st.Blocks-st.Bfree)*uint64(st.Bsize)+bytes, st.Files-st.Ffree+files)
}

// onDisk puts the state folder on a disk, and fills the compile cache.
func (m *mess) onDisk() *disk {
	m.t.Helper()
	d := newDisk(m.t)
	m.in(d.dir)
	return d
}

// in puts the state folder in this one, and fills the compile cache.
func (m *mess) in(dir string) {
	m.t.Helper()
	m.move(dir)
	m.zlayer("plugin", "compile")
}

// move puts the state folder in this one. It is not made yet.
func (m *mess) move(dir string) {
	m.data = filepath.Join(dir, "data")
	m.env = append(m.env, "ZLAYER_DATA_DIR="+m.data)
}

// forget removes all of the state folder but the compile cache.
func (m *mess) forget() {
	m.t.Helper()
	if out, err := exec.Command("find", m.data, "-mindepth", "1", "-maxdepth", "1", "!", "-name", "wasm", "-exec", "rm", "-rf", "{}", "+").CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
}

// refused is zlayer that must end with one of these codes, and say what is wrong
// and what to do.
func (s *sandbox) refused(codes []int, what string, args ...string) {
	s.t.Helper()
	_, err := s.try(args...)
	s.explains(err, codes, what)
}

func (s *sandbox) explains(err error, codes []int, what string) {
	s.t.Helper()
	var exit *exec.ExitError
	said := strings.ToLower(stderrOf(err)) // of which a command may say a part
	if !errors.As(err, &exit) || !slices.Contains(codes, exit.ExitCode()) || !strings.Contains(said, what) ||
		!strings.Contains(said, "hint: ") && !strings.Contains(said, "help: ") && !strings.Contains(said, "the command failed") {
		s.t.Errorf("%v, want one of %v, %q and a hint:\n%s", err, codes, what, said)
	}
}

// filling is a build that needs some megabytes and some dozen files, in every
// place that a build writes to.
const filling = `ARG REGISTRY
FROM ${REGISTRY}/base:1 AS first
ARG NAP
COPY blob /a/blob
RUN : > /empty
FROM first
COPY --from=first /a/blob /b/
RUN mv /b/blob /blob
`

// However little room there is, and wherever it ends, a build says so and leaves
// nothing half done, and with room the next one makes what it should.
func TestFullDisk(t *testing.T) { onEachMess(t, fullDisk) }

func fullDisk(t *testing.T, m *mess) {
	m.write("Dockerfile", filling)
	m.write("blob", strings.Repeat("0123456789abcdef", 1<<16))
	d := m.onDisk()
	lift := func() { d.leave(enough, enough) }
	m.throughLittle(
		room{"bytes", syscall.ENOSPC, func(n uint64) { d.leave(n, enough) }, lift, 4 << 10, 4},
		room{"files", syscall.ENOSPC, func(n uint64) { d.leave(enough, n) }, lift, 5, 2},
	)
}

// room is what there can be too little of, and what the kernel then says; how to
// leave so much of it, and how to have enough again.
type room struct {
	name  string
	errno syscall.Errno
	leave func(n uint64)
	lift  func()
	from  uint64 // how little to begin with, and by what to multiply that
	step  uint64
}

// throughLittle builds with ever more room, until it is enough.
func (m *mess) throughLittle(rooms ...room) {
	m.t.Helper()
	m.env = append(m.env, "SOURCE_DATE_EPOCH=1700000000")
	want := m.zlayer(m.args("0")...)
	for _, r := range rooms {
		m.forget()
		n := r.from
		for !m.inLittle(r, n, want) {
			n *= r.step
		}
		if n < r.from*r.step*r.step*r.step {
			m.t.Errorf("%d %s are enough", n, r.name)
		}
	}
}

// inLittle builds with little room and then with enough, and says whether the
// little was enough.
func (m *mess) inLittle(r room, n uint64, want string) bool {
	m.t.Helper()
	r.leave(n)
	_, err := m.try(m.args("0")...)
	if err == nil {
		return true
	}
	m.explains(err, []int{4, 6, 8}, r.errno.Error())
	gone := m.left()
	r.lift()
	if got := m.zlayer(m.args("0")...); got != want {
		m.t.Errorf("when there was room again it was %s, and is not %s", got, want)
	}
	// To remove a layer, containers/storage makes a file: that waits for room.
	if left := gone + m.left() + m.leftInState(); left != "" {
		m.t.Errorf("left behind:\n%s", left)
	}
	if m.t.Failed() {
		m.t.Fatalf("that was with room for %d %s", n, r.name)
	}
	m.forget()
	return false
}
