// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// flat is the memory, in bytes, that no process of a build needs more of,
// however much a command writes.
const flat = 300e6

// A command that floods its output is slowed down by who reads it, and no
// process keeps what it wrote.
func TestFlood(t *testing.T) { onEach(t, flood) }

func flood(t *testing.T, s *sandbox) {
	dir := contextOf(t, "FROM "+serveBase(t)+"/base:1\nRUN while echo 0123456789abcdef0123456789abcdef; do :; done | dd bs=1024 count=16384 iflag=fullblock\n")
	s.flatly("build", dir, "--progress", "plain")
}

// The clock was set back: files, and what is remembered of them, come from the
// future. A change that only the file system's own clock sees is still seen.
func TestClockSetBack(t *testing.T) { onEach(t, clockSetBack) }

func clockSetBack(t *testing.T, s *sandbox) {
	dir := contextOf(t, "FROM scratch\nCOPY file /\n")
	file := filepath.Join(dir, "file")
	build := func() string {
		future := time.Now().AddDate(10, 0, 0).Truncate(24 * time.Hour)
		if err := os.Chtimes(file, future, future); err != nil {
			t.Fatal(err)
		}
		return s.zlayer("build", dir)
	}
	first := build()
	fromTheFuture(t, s.data)
	if again := build(); again != first {
		t.Errorf("nothing changed, and %s became %s", first, again)
	}
	if err := os.WriteFile(file, []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed := build(); changed == first {
		t.Error("a file changed, and the image did not")
	}
}

// fromTheFuture makes the files of a state folder ten years younger; what
// belongs to subordinate ids stays as it is.
func fromTheFuture(t *testing.T, data string) {
	t.Helper()
	future := time.Now().AddDate(10, 0, 0)
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chtimes(path, future, future)
		}
		if os.IsPermission(err) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// contextOf makes a build context of a Dockerfile and a small file.
func contextOf(t *testing.T, dockerfile string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"Dockerfile": dockerfile, "file": "content"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// flatly runs zlayer and asks the kernel how large the largest process became,
// be it zlayer, a backend or a command. Frontends are compiled before, which
// takes more, once.
func (s *sandbox) flatly(args ...string) {
	s.t.Helper()
	s.zlayer("plugin", "compile")
	zlayer := watch(s).command(args...)
	file := filepath.Join(s.t.TempDir(), "peak")
	cmd := exec.Command("peak", append([]string{file}, zlayer.Args...)...)
	said := &tail{}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = zlayer.Env, zlayer.Dir, io.Discard, said
	if err := cmd.Run(); err != nil {
		s.t.Fatalf("zlayer %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	if peak, err := strconv.ParseInt(string(text), 10, 64); err != nil || peak == 0 || peak > flat {
		s.t.Errorf("a process took %s bytes, want at most %d", text, int64(flat))
	}
}

// tail keeps the end of what is written.
type tail struct{ strings.Builder }

func (w *tail) Write(p []byte) (int, error) {
	const enough = 64 << 10
	if w.Len() > enough {
		w.Reset()
	}
	return w.Builder.Write(p)
}
