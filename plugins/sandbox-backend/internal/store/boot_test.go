// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// flip changes a byte of a tar. Its size stays.
func flip(t *testing.T, dir string, l *layer.Layer) {
	t.Helper()
	spoil(t, filepath.Join(dir, "tars", l.Digest[7:]), func(d []byte) []byte { d[600] ^= 1; return d })
}

// TestATarIsReadOnceInABoot shows by damage that nothing reports when it is
// that of a tar which was read, or written, in the same boot.
func TestATarIsReadOnceInABoot(t *testing.T) {
	for _, test := range []struct {
		name, written, read, again string
		there                      bool
	}{
		{"the boot it was written in", "first", "first", "first", true},
		{"the boot it was read in", "first", "second", "second", true},
		{"the next boot", "first", "second", "third", false},
		{"a machine that does not tell", "", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			l := put(t, during(t, test.written, dir), file("a", "hello"))
			for s, n := during(t, test.read, dir), 0; n < 2; n++ {
				if !s.Has(l.Digest) {
					t.Fatal("it is not there")
				}
			}
			flip(t, dir, l)
			if got := during(t, test.again, dir).Has(l.Digest); got != test.there {
				t.Errorf("Has = %v", got)
			}
		})
	}
}

// TestATornTarIsMadeAgain: all that there was of it goes, so that a new one is
// like any other.
func TestATornTarIsMadeAgain(t *testing.T) {
	dir := t.TempDir()
	l := put(t, open(t, dir), file("a", "hello"))
	flip(t, dir, l)
	s := during(t, "second", dir)
	if _, ok, err := s.Source(l.Digest); ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	put(t, s, file("a", "hello"))
	if src, ok, err := s.Source(l.Digest); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	} else if got, err := read(src); got != "hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// TestATornTarIsExpandedAgain is about the tar that was made of a blob.
func TestATornTarIsExpandedAgain(t *testing.T) {
	blobs, dir := t.TempDir(), t.TempDir()
	l := put(t, open(t, blobs), file("a", "hello"))
	src := layer.Source{Layer: l, Path: filepath.Join(blobs, "tars", l.Digest[7:]), Compressed: true}
	for _, boot := range []string{"first", "second"} {
		path, err := during(t, boot, dir).Expand(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := read(layer.Source{Layer: l, Path: path}); got != "hello" || err != nil {
			t.Errorf("%s boot: %q, %v", boot, got, err)
		}
		flip(t, dir, l)
	}
}

// TestRecoverForgetsOtherBoots, also for a machine that is still in its own:
// that one begins anew.
func TestRecoverForgetsOtherBoots(t *testing.T) {
	dir := t.TempDir()
	other := open(t, dir)
	l := put(t, other, file("a", "hello"))
	if err := during(t, "second", dir).Recover(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "whole", "first")); err == nil {
		t.Error("the marks of another boot are there")
	}
	if !other.Has(l.Digest) {
		t.Error("the layer is gone")
	}
	put(t, other, file("b", "hello"))
}
