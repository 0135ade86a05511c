// SPDX-License-Identifier: Apache-2.0

package command

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
)

func tracesOf(t *testing.T, dir string) *Traces {
	t.Helper()
	tree, err := files.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close(); root.Close() })
	return newTraces(tree, root)
}

func TestErase(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"etc", "opt", "srv", "var"} {
		at := filepath.Join(dir, d)
		if err := errors.Join(os.Mkdir(at, 0o755), os.Chtimes(at, time.Unix(5, 3), time.Unix(5, 3))); err != nil {
			t.Fatal(err)
		}
	}
	traces := tracesOf(t, dir)
	for target, isDir := range map[string]bool{"/etc/hosts": false, "/opt/x": true, "/run/a/b": true, "/srv/x/y": true, "/var/c": true, "/used": true} {
		if _, err := traces.place(target, isDir); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"etc", "opt", "srv", "var"} {
		if info, err := os.Stat(filepath.Join(dir, d)); err != nil || !info.ModTime().Equal(time.Unix(5, 3)) {
			t.Errorf("%s has a new time before the command ran: %v, %v", d, info, err)
		}
	}
	var in, out bytes.Buffer
	w := tar.NewWriter(&in)
	own := func(h tar.Header) tar.Header {
		h.Uid, h.Gid = os.Getuid(), os.Getgid()
		if h.ModTime.IsZero() {
			h.ModTime = time.Unix(5, 7)
		}
		h.AccessTime, h.Uname, h.Format = time.Unix(9, 9), "me", tar.FormatPAX
		h.PAXRecords = map[string]string{"SCHILY.xattr.trusted.overlay.opaque": "y", "SCHILY.xattr.user.a": "b"}
		return h
	}
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755}, // only a place was made in it
		{Typeflag: tar.TypeReg, Name: "etc/hosts", Mode: 0o644},
		{Typeflag: tar.TypeDir, Name: "opt/", Mode: 0o755}, // the command changed something in it
		{Typeflag: tar.TypeReg, Name: "opt/file", Mode: 0o644},
		{Typeflag: tar.TypeDir, Name: "opt/x/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "run/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "run/a/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "run/a/b/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "srv/", Mode: 0o755, ModTime: time.Unix(6, 0)}, // the command made something in it, and removed it
		{Typeflag: tar.TypeDir, Name: "used/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "used/by-command", Mode: 0o644},
		{Typeflag: tar.TypeDir, Name: "var/", Mode: 0o700}, // the command changed it
		{Typeflag: tar.TypeDir, Name: "var/c/", Mode: 0o755},
	} {
		h = own(h)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if err := traces.Erase(&out, &in); err != nil {
		t.Fatal(err)
	}
	var names []string
	for r := tar.NewReader(&out); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if len(h.PAXRecords) != 1 || h.PAXRecords["SCHILY.xattr.user.a"] != "b" || h.Uname != "" || h.ModTime.Nanosecond() != 0 {
			t.Errorf("header is %+v", h)
		}
	}
	if got := strings.Join(names, " "); got != "opt/ opt/file srv/ used/ used/by-command var/" {
		t.Errorf("what is left is %s", got)
	}
}

func TestPlaceStaysInside(t *testing.T) {
	outside := t.TempDir()
	dir := t.TempDir()
	if err := os.Symlink(outside+"/new", filepath.Join(dir, "absolute")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../../../../../.."+outside+"/new2", filepath.Join(dir, "relative")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop", filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	traces := tracesOf(t, dir)
	for target, want := range map[string]string{"/absolute": outside + "/new", "/relative/x": outside + "/new2/x", "/../../up": "/up"} {
		got, err := traces.place(target, true)
		if err != nil || got != want {
			t.Errorf("place(%q) = %q, %v; want %q", target, got, err, want)
		}
	}
	for _, target := range []string{"/loop", "/loop/x"} {
		_, err := traces.place(target, true)
		if problem := new(transfer.Problem); !errors.As(err, &problem) {
			t.Errorf("place(%q), a loop of links: %v", target, err)
		}
	}
	if list, _ := os.ReadDir(outside); len(list) != 0 {
		t.Errorf("made outside: %v", list)
	}
}
