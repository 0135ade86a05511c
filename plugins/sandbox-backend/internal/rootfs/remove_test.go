// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// TestTooDeep: no layer can have such names, and they can still be removed.
func TestTooDeep(t *testing.T) {
	for _, copied := range []bool{false, true} {
		b := newBench(t, []layer.Entry{dir("d")})
		r := b.open(Options{Copy: copied})
		deepen(t, filepath.Join(r.Path(), "d"), 2100)
		_, err := r.Changes()
		if err == nil || !strings.Contains(err.Error(), "the command left a file that no layer can have") {
			t.Errorf("error %v", err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// deepen makes folders in folders.
func deepen(t *testing.T, dir string, depth int) {
	t.Helper()
	fd, err := unix.Open(dir, openFolder, 0)
	for range depth {
		if err == nil {
			err = unix.Mkdirat(fd, "x", 0)
		}
		var next int
		if err == nil {
			next, err = unix.Openat(fd, "x", openFolder, 0)
		}
		_ = unix.Close(fd)
		fd = next
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = unix.Close(fd)
}

func TestRemoveAll(t *testing.T) {
	parent := t.TempDir()
	dir, outside := filepath.Join(parent, "dir"), filepath.Join(parent, "outside")
	c := command{t, parent}
	c.mkdir("outside")
	c.write("outside/f", "f")
	c.mkdir("dir/a/moved-1")
	c.write("dir/moved-2", "")
	c.ok(os.Symlink(outside, filepath.Join(dir, "link")))
	deepen(t, filepath.Join(dir, "a"), 2500)
	c.chmod("dir/a", 0)
	c.chmod("dir", 0)
	if err := RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(dir); !os.IsNotExist(err) {
		t.Error("the folder is still there")
	}
	if read(t, filepath.Join(outside, "f")) != "f" {
		t.Error("a link was followed")
	}
	if err := RemoveAll(dir); err != nil {
		t.Errorf("a folder that is not there: %v", err)
	}
}
