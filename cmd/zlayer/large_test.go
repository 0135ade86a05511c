// SPDX-License-Identifier: Apache-2.0

//go:build system && large

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A context of a hundred thousand files takes no more memory than any, and that
// nothing changed in it is seen. containers/storage, and so buildah-backend, takes
// long for each, so that it gets fewer.
func TestManyFiles(t *testing.T) {
	for backend, folders := range map[string]int{"sandbox-backend": 100, "buildah-backend": 10} {
		t.Run(backend, func(t *testing.T) { manyFiles(t, newSandbox(t).on(backend), folders) })
	}
}

func manyFiles(t *testing.T, s *sandbox, folders int) {
	const each = 1000
	dir := contextOf(t, "FROM scratch\nCOPY many /many/\n")
	for i := range folders {
		folder := filepath.Join(dir, "many", fmt.Sprint(i))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for j := range each {
			if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(j)), []byte(fmt.Sprint(i, j)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	archive, report := filepath.Join(t.TempDir(), "files.tar"), filepath.Join(t.TempDir(), "report.json")
	s.flatly("build", dir, "--output", "type=tar,dest="+archive)
	list, err := exec.Command("tar", "-tf", archive).Output()
	if got, want := strings.Count(string(list), "\n"), 1+folders+folders*each; got != want {
		t.Errorf("the image has %d files, want %d (%v)", got, want, err)
	}
	s.flatly("build", dir, "--metadata-file", report)
	if text, err := os.ReadFile(report); !strings.Contains(string(text), `"zlayer.cached": true`) {
		t.Errorf("nothing changed, and it was built again: %s %v", text, err)
	}
}

// A file of a gigabyte takes hardly more memory than one of a megabyte.
func TestHugeFile(t *testing.T) {
	for backend, size := range map[string]int64{"sandbox-backend": 1 << 30, "buildah-backend": 1 << 28} {
		t.Run(backend, func(t *testing.T) { hugeFile(t, newSandbox(t).on(backend), size) })
	}
}

func hugeFile(t *testing.T, s *sandbox, size int64) {
	context := func(size int64) string {
		dir := contextOf(t, "FROM scratch\nCOPY file /\n")
		if err := os.Truncate(filepath.Join(dir, "file"), size); err != nil { // with a hole
			t.Fatal(err)
		}
		return dir
	}
	const more = 100e6
	least := s.peak("build", context(1<<20))
	for _, args := range [][]string{
		{"build", context(size), "--tag", "huge"},
		{"save", "huge", "--output", "type=docker-archive,dest=" + filepath.Join(t.TempDir(), "huge.tar")},
	} {
		if peak := s.peak(args...); peak > least+more {
			t.Errorf("zlayer %s: a process took %d bytes, and %d with a small file", args[0], peak, least)
		}
	}
}

// Of many stages, each on top of the one before, all are built; of as many that
// nobody needs, none is. A layer costs containers/storage, and so buildah-backend,
// a process and some flushes of the disk, so that it gets fewer.
func TestManyStages(t *testing.T) {
	for backend, stages := range map[string]int{"sandbox-backend": 500, "buildah-backend": 100} {
		t.Run(backend, func(t *testing.T) { manyStages(t, newSandbox(t).on(backend), stages) })
	}
}

func manyStages(t *testing.T, s *sandbox, stages int) {
	chain, alone := "FROM scratch AS s0\nCOPY file /0\n", "FROM scratch AS s0\nCOPY file /0\n"
	for i := 1; i < stages; i++ {
		chain += fmt.Sprintf("FROM s%d AS s%d\nCOPY file /%d\n", i-1, i, i)
		alone += fmt.Sprintf("FROM scratch AS s%d\nCOPY file /%d\n", i, i)
	}
	layout := filepath.Join(t.TempDir(), "layout")
	s.zlayer("build", contextOf(t, chain), "--output", "type=oci-layout,dest="+layout)
	if files := openLayout(t, layout).files; len(files) != stages {
		t.Errorf("the last of %d stages has %d files", stages, len(files))
	}
	m := watch(s)
	m.launch(m.command("build", contextOf(t, alone), "--progress", "json"))
	if code, began := m.exit(), strings.Count(m.out.String(), `"step-started"`); code != 0 || began != 1 {
		t.Errorf("exit code %d, and %d steps of %d stages of which one is needed", code, began, stages)
	}
}
