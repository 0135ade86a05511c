// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package transfer_test

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

func TestHardLinksOnDisk(t *testing.T) {
	dir := folder(t, map[string]string{"d/one": "x", "other": "o"})
	must(t, os.Link(filepath.Join(dir, "d/one"), filepath.Join(dir, "d/two")))
	must(t, os.Link(filepath.Join(dir, "d/one"), filepath.Join(dir, "three")))
	from := context(t, dir)
	for name, c := range map[string]struct {
		sources, want []string
	}{
		"all":  {[]string{"."}, []string{"d 755 0:0 n", "d 755 0:0 n/d", `f 644 0:0 n/d/one "x"`, "h n/d/two -> n/d/one", `f 644 0:0 n/other "o"`, "h n/three -> n/d/one"}},
		"some": {[]string{"three", "d/one"}, []string{"d 755 0:0 n", `f 644 0:0 n/one "x"`, "h n/three -> n/one"}},
		"one":  {[]string{"three"}, []string{"d 755 0:0 n", `f 644 0:0 n/three "x"`}},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := plan(t, transfer.Job{Step: copyOf("/n/", c.sources...), From: from, Onto: image(t)})
			must(t, err)
			wantLines(t, entries, c.want...)
		})
	}
}

// TestOddFilesOnDisk copies what is no file: a pipe, which nobody may open, and
// a socket, which no layer can hold.
func TestOddFilesOnDisk(t *testing.T) {
	dir := folder(t, map[string]string{"f": "f"})
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o640))
	must(t, os.Chmod(filepath.Join(dir, "pipe"), 0o640))
	t.Chdir(dir) // the path of a socket must be short
	l, err := net.Listen("unix", "socket")
	must(t, err)
	defer l.Close()
	must(t, os.Chmod(filepath.Join(dir, "f"), os.ModeSetuid|0o755))
	from := context(t, dir)
	for _, sources := range [][]string{{"."}, {"*"}, {"socket", "pipe", "f"}} {
		entries, err := plan(t, transfer.Job{Step: copyOf("/", sources...), From: from, Onto: image(t)})
		must(t, err)
		wantLines(t, entries, `f 4755 0:0 f "f"`, "p 640 0:0 pipe")
	}
	step := &irv1.Transfer{Add: true, Sources: []string{"pipe"}, Destination: "/"}
	entries, err := plan(t, transfer.Job{Step: step, From: from, Onto: image(t)})
	must(t, err)
	wantLines(t, entries, "p 640 0:0 pipe")
}

// TestPipeTakesAFilesPlace must not wait for a writer.
func TestPipeTakesAFilesPlace(t *testing.T) {
	dir := folder(t, map[string]string{"f": "f"})
	entries, err := plan(t, transfer.Job{Step: copyOf("/", "f"), From: context(t, dir), Onto: image(t)})
	must(t, err)
	must(t, os.Remove(filepath.Join(dir, "f")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "f"), 0o644))
	_, err = entries[0].Open()
	wantProblem(t, err, `the source "f" changed while it was copied: something else took its place`, "build again when nothing writes to it")
}
