// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// onEachSame is onEach for a test that returns a digest, which must be the same
// with all backends.
func onEachSame(t *testing.T, test func(t *testing.T, s *sandbox) string) {
	t.Helper()
	digests := map[string]bool{}
	onEach(t, func(t *testing.T, s *sandbox) {
		s.env = append(s.env, "SOURCE_DATE_EPOCH=1700000000")
		digests[test(t, s)] = true
	})
	if len(digests) != 1 {
		t.Errorf("the backends make different images: %v", digests)
	}
}

// A context of a hundred thousand files takes no more memory than any, and that
// nothing changed in it is seen.
func TestManyFiles(t *testing.T) {
	dir := contextOf(t, "FROM scratch\nCOPY many /many/\n")
	const folders, each = 100, 1000
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
	onEachSame(t, func(t *testing.T, s *sandbox) string {
		archive, report := filepath.Join(t.TempDir(), "files.tar"), filepath.Join(t.TempDir(), "report.json")
		s.flatly("build", dir, "--output", "type=tar,dest="+archive)
		list, err := exec.Command("tar", "-tf", archive).Output()
		if got, want := strings.Count(string(list), "\n"), 1+folders+folders*each; got != want {
			t.Errorf("the image has %d files, want %d (%v)", got, want, err)
		}
		s.flatly("build", dir, "--metadata-file", report)
		if text, err := os.ReadFile(report); !strings.Contains(string(text), `"zlayer.cached":true`) {
			t.Errorf("nothing changed, and it was built again: %s %v", text, err)
		}
		return s.zlayer("build", dir)
	})
}

// A file of a gigabyte takes hardly more memory than one of a megabyte.
func TestHugeFile(t *testing.T) {
	context := func(size int64) string {
		dir := contextOf(t, "FROM scratch\nCOPY file /\n")
		if err := os.Truncate(filepath.Join(dir, "file"), size); err != nil { // with a hole
			t.Fatal(err)
		}
		return dir
	}
	small, huge := context(1<<20), context(1<<30)
	onEachSame(t, func(t *testing.T, s *sandbox) string {
		const more = 100e6
		least := s.peak("build", small)
		for _, args := range [][]string{
			{"build", huge, "--tag", "huge"},
			{"save", "huge", "--output", "type=docker-archive,dest=" + filepath.Join(t.TempDir(), "huge.tar")},
		} {
			if peak := s.peak(args...); peak > least+more {
				t.Errorf("zlayer %s: a process took %d bytes, and %d with a small file", args[0], peak, least)
			}
		}
		return s.zlayer("build", huge)
	})
}

// Of many stages, each on top of the one before, all are built; of as many that
// nobody needs, none is. A layer costs containers/storage, and so buildah-backend,
// a process and some flushes of the disk: a tenth of a second.
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
