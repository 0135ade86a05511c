// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// outputTypes are the kinds of output that are written to a place.
var outputTypes = []string{"oci-layout", "oci-archive", "docker-archive", "tar", "local"}

// An output that does not fit is not there at all, and what is in its place
// stays as it is.
func TestFullOutput(t *testing.T) { onEach(t, fullOutput) }

func fullOutput(t *testing.T, s *sandbox) {
	small := contextOf(t, "FROM scratch\nCOPY file /\n")
	large := contextOf(t, "FROM scratch\nCOPY blob file /\n")
	noise := make([]byte, 1<<20)
	rand.Read(noise) // does not compress
	if err := os.WriteFile(filepath.Join(large, "blob"), noise, 0o644); err != nil {
		t.Fatal(err)
	}
	s.zlayer("build", large, "--tag", "large")
	d := newDisk(t)
	d.leave(512<<10, enough)
	for _, kind := range outputTypes {
		output := "type=" + kind + ",dest=" + filepath.Join(d.dir, kind)
		s.zlayer("build", small, "--output", output)
		before := listing(t, d.dir)
		for _, args := range [][]string{{"build", large}, {"save", "large"}} {
			s.refused([]int{8}, "no space left", append(args, "--output", output)...)
			if after := listing(t, d.dir); after != before {
				t.Errorf("zlayer %s to a full %s left\n%s\nof\n%s", args[0], kind, after, before)
			}
		}
	}
	d.leave(0, enough)
	fill(t, d.dir)
	for _, flag := range []string{"--iidfile", "--metadata-file"} {
		file := filepath.Join(d.dir, "written")
		s.refused([]int{8}, "no space left", "build", small, flag, file)
		if _, err := os.Lstat(file); err == nil {
			t.Errorf("%s wrote a part", flag)
		}
	}
	d.leave(enough, enough)
	for _, kind := range outputTypes {
		s.zlayer("build", large, "--output", "type="+kind+",dest="+filepath.Join(d.dir, kind))
	}
}

// What is printed and does not arrive is an error, too.
func TestFullStdout(t *testing.T) {
	s := newSandbox(t).on("sandbox-backend")
	dir := contextOf(t, "FROM scratch\nCOPY file /\n")
	for _, args := range [][]string{{"build", dir}, {"build", dir, "--output", "-"}, {"images"}, {"ir", dir}} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(filepath.Join(s.repo, "bin", "zlayer"), args...)
		said := &tail{}
		cmd.Env, cmd.Stdout, cmd.Stderr = s.env, full, said
		if err := cmd.Run(); err == nil || !strings.Contains(said.String(), "no space left") {
			t.Errorf("zlayer %s to a full stdout: %v\n%s", args[0], err, said)
		}
		full.Close()
	}
}

// A state folder that cannot be written is fine for all that only looks at it,
// a build that has nothing to do among it.
func TestReadOnlyState(t *testing.T) { onEachMess(t, readOnlyState) }

func readOnlyState(t *testing.T, m *mess) {
	d := newDisk(t)
	m.move(d.dir)
	d.remount(syscall.MS_RDONLY, "")
	m.zlayer("check", m.context) // with nothing compiled, and no folder for it
	m.refused([]int{8}, "read-only file system", "plugin", "compile")
	d.remount(0, "")
	m.zlayer("plugin", "compile")
	want := m.zlayer(append(m.args("0"), "--tag", "app")...)
	d.remount(syscall.MS_RDONLY, "")
	for _, args := range [][]string{
		{"check", m.context}, {"ir", m.context}, {"explain", m.context}, {"images"}, {"inspect", "app"}, {"history", "app"},
		{"save", "app", "--output", "type=oci-archive,dest=" + filepath.Join(t.TempDir(), "app.tar")}, {"plugin", "list"}, {"config"},
	} {
		m.zlayer(args...)
	}
	if got := m.zlayer(m.args("0")...); got != want {
		t.Errorf("%s became %s", want, got)
	}
	for _, args := range [][]string{append(m.args("0"), "--no-cache"), {"tag", "app", "other"}, {"rm", "app"}} {
		m.refused([]int{8}, "read-only file system", args...)
	}
	d.remount(0, "")
	m.zlayer(append(m.args("0"), "--no-cache")...)
	if left := m.left() + m.leftInState(); left != "" {
		t.Errorf("left behind:\n%s", left)
	}
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, dir string) {
	t.Helper()
	if err := exec.Command("dd", "if=/dev/zero", "of="+filepath.Join(dir, "filler"), "bs=4096").Run(); err == nil {
		t.Fatal("the disk does not get full")
	}
}

// listing is all of a folder: names, modes and digests.
func listing(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `cd "$0" && find . -printf '%p %M %s\n' | sort && find . -type f -exec sha256sum {} + | sort`, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
