// SPDX-License-Identifier: Apache-2.0

//go:build system && large

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// quota is a folder that a quota limits, on a file system of its own. It is
// btrfs, the one in Linux whose quotas need no file of their own.
type quota struct {
	t   *testing.T
	dir string
}

func newQuota(t *testing.T) *quota {
	t.Helper()
	top, file := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, 2*enough)); err != nil {
		t.Fatal(err)
	}
	q := &quota{t, filepath.Join(top, "limited")}
	q.run("mkfs.btrfs", "-q", file)
	q.run("mount", "-o", "loop", file, top)
	t.Cleanup(func() { syscall.Unmount(top, syscall.MNT_DETACH) })
	q.run("btrfs", "quota", "enable", top)
	q.run("btrfs", "subvolume", "create", q.dir)
	return q
}

// run runs a command and returns what it printed.
func (q *quota) run(argv ...string) string {
	q.t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		q.t.Fatalf("%q: %v: %s", argv, err, out)
	}
	return string(out)
}

// leave leaves room for so many bytes more.
func (q *quota) leave(bytes uint64) {
	q.t.Helper()
	q.lift()
	// A line for the folder is the last: its id, what it has, what it has alone.
	lines := strings.Split(strings.TrimSpace(q.run("btrfs", "qgroup", "show", "--raw", "--sync", "-f", q.dir)), "\n")
	has, err := strconv.ParseUint(strings.Fields(lines[len(lines)-1])[1], 10, 64)
	if err != nil {
		q.t.Fatal(err)
	}
	q.run("btrfs", "qgroup", "limit", strconv.FormatUint(has+bytes, 10), q.dir)
}

// lift takes the limit away.
func (q *quota) lift() {
	q.t.Helper()
	q.run("btrfs", "qgroup", "limit", "none", q.dir)
}

// A quota that is used up is told as a full disk is.
func TestQuota(t *testing.T) { onEachMess(t, overQuota) }

func overQuota(t *testing.T, m *mess) {
	m.write("Dockerfile", filling)
	m.write("blob", strings.Repeat("0123456789abcdef", 1<<16))
	q := newQuota(t)
	m.in(q.dir)
	m.throughLittle(room{"bytes in the quota", syscall.EDQUOT, q.leave, q.lift, 16 << 10, 4})
}
