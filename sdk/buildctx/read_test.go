// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
)

func TestReading(t *testing.T) {
	c := open(t, tree(t, map[string]string{"d/f": "text", "l": "->d/f", "out": "->/etc"}), nil)
	f, err := c.Open("d/f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if text, err := io.ReadAll(f); err != nil || string(text) != "text" {
		t.Errorf("d/f holds %q, %v", text, err)
	}
	if info, err := c.Lstat("l"); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("l is %v, %v", info, err)
	}
	if to, err := c.Readlink("l"); err != nil || to != "d/f" {
		t.Errorf("l leads to %q, %v", to, err)
	}
	if attrs, err := c.Xattrs("d"); err != nil || attrs != nil {
		t.Errorf("d has %q, %v", attrs, err)
	}
}

// TestReadingStaysInside asks for what is not there, and what is outside.
func TestReadingStaysInside(t *testing.T) {
	c := open(t, tree(t, map[string]string{"out": "->/etc"}), nil)
	for _, read := range []func(string) error{
		func(name string) error { _, err := c.Lstat(name); return err },
		func(name string) error { _, err := c.Readlink(name); return err },
		func(name string) error { _, err := c.Xattrs(name); return err },
		func(name string) error {
			f, err := c.Open(name)
			return errors.Join(err, closed(f))
		},
	} {
		if err := read("nope"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("nope: %v", err)
		}
		for _, name := range []string{"out/passwd", "../x"} {
			if err := read(name); err == nil {
				t.Errorf("%s can be read", name)
			}
		}
	}
}

func closed(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}
