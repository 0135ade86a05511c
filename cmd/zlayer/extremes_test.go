// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
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

// longest is more than any time that something is waited for: a registry that
// says nothing for a minute is given up.
const longest = 65

// A command may be silent for as long as it likes.
func TestSilence(t *testing.T) {
	for _, backend := range containerBackends {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			dir := contextOf(t, fmt.Sprintf("FROM %s/base:1\nRUN sleep %d\n", serveBase(t), longest))
			newSandbox(t).on(backend).zlayer("build", dir)
		})
	}
}

// Names that no text can hold come out of a build as they went in, and by all
// that writes them.
func TestOddNames(t *testing.T) { onEach(t, oddNames) }

func oddNames(t *testing.T, s *sandbox) {
	dir := contextOf(t, "FROM "+serveBase(t)+"/base:1 AS made\nRUN mkdir /made && echo > \"$(printf '/made/new\\nline')\" && echo > \"$(printf '/made/\\377')\"\n"+
		"FROM scratch\nCOPY given /given/\nCOPY --from=made /made /made/\n")
	names := []string{"new\nline", "\xff", "\x1b[31m", "a\r", " ", "\\n"}
	for _, name := range names {
		write(t, filepath.Join(dir, "given", name), name)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	folder, archive := filepath.Join(t.TempDir(), "files"), filepath.Join(t.TempDir(), "files.tar")
	s.zlayer("build", dir, "--output", folder, "--output", "type=tar,dest="+archive, "--metadata-file", report)
	unpacked := t.TempDir()
	if out, err := exec.Command("tar", "-xf", archive, "-C", unpacked).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, top := range []string{folder, unpacked} {
		for _, name := range names {
			if got, err := os.ReadFile(filepath.Join(top, "given", name)); string(got) != name {
				t.Errorf("%q holds %q (%v)", name, got, err)
			}
		}
		for _, name := range names[:2] {
			if _, err := os.Stat(filepath.Join(top, "made", name)); err != nil {
				t.Error(err)
			}
		}
	}
	write(t, filepath.Join(dir, "given", names[1]), "changed")
	s.zlayer("build", dir, "--output", folder)
	if got, err := os.ReadFile(filepath.Join(folder, "given", names[1])); string(got) != "changed" {
		t.Errorf("changed %q holds %q (%v)", names[1], got, err)
	}
}

// The clock was set back: files, and what is remembered of them, come from the
// future. A change that only the file system's own clock sees is still seen.
func TestClockSetBack(t *testing.T) { onEach(t, func(t *testing.T, s *sandbox) { clockSet(t, s, 10) }) }

// The clock was set far forward: all there is seems to be long out of use.
func TestClockSetForward(t *testing.T) {
	onEach(t, func(t *testing.T, s *sandbox) { clockSet(t, s, -10) })
}

func clockSet(t *testing.T, s *sandbox, years int) {
	dir := contextOf(t, "FROM scratch\nCOPY file /\n")
	file := filepath.Join(dir, "file")
	s.env = append(s.env, "SOURCE_DATE_EPOCH=1700000000")
	build := func(args ...string) string {
		when := time.Now().AddDate(years, 0, 0).Truncate(24 * time.Hour)
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
		return s.zlayer(append([]string{"build", dir, "--tag", "app"}, args...)...)
	}
	first := build()
	for _, do := range [][]string{{"images"}, {"prune", "--until", "24h"}, {"prune"}, {"plugin", "doctor"}} {
		shift(t, s.data, years)
		s.zlayer(do...)
		for _, args := range [][]string{nil, {"--no-cache"}} {
			shift(t, s.data, years)
			if again := build(args...); again != first {
				t.Errorf("after %s nothing changed, and %s became %s", do, first, again)
			}
		}
	}
	if err := os.WriteFile(file, []byte("CONTENT"), 0o644); err != nil {
		t.Fatal(err)
	}
	if changed := build(); changed == first {
		t.Error("a file changed, and the image did not")
	}
}

// shift makes the files of a state folder so many years younger than now; what
// belongs to subordinate ids stays as it is.
func shift(t *testing.T, data string, years int) {
	t.Helper()
	when := time.Now().AddDate(years, 0, 0)
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chtimes(path, when, when)
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

// flatly runs zlayer, none of whose processes may get large.
func (s *sandbox) flatly(args ...string) {
	s.t.Helper()
	if peak := s.peak(args...); peak > flat {
		s.t.Errorf("a process took %d bytes, want at most %d", peak, int64(flat))
	}
}

// peak runs zlayer and asks the kernel how large, in bytes, the largest process
// became, be it zlayer, a backend or a command. Frontends are compiled before,
// which takes more, once.
func (s *sandbox) peak(args ...string) int64 {
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
	peak, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || peak == 0 {
		s.t.Fatalf("a process took %q bytes: %v", text, err)
	}
	return peak
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
