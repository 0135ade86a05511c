// SPDX-License-Identifier: Apache-2.0

package buildctx_test

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestDigestAttributes(t *testing.T) {
	dir := tree(t, map[string]string{"f": ""})
	c := open(t, dir, nil)
	before := digest(t, c, "f")
	err := syscall.Setxattr(filepath.Join(dir, "f"), "user.zlayer", []byte("1"), 0)
	if errors.Is(err, syscall.ENOTSUP) {
		return // a file system without them has nothing to test
	}
	if err != nil {
		t.Fatal(err)
	}
	if digest(t, c, "f") == before {
		t.Error("an extended attribute does not count")
	}
	if attrs, err := c.Xattrs("f"); err != nil || len(attrs) != 1 || attrs["user.zlayer"] != "1" {
		t.Errorf("attributes are %q, %v", attrs, err)
	}
}

// TestDigestPipe must not wait for a writer.
func TestDigestPipe(t *testing.T) {
	dir := tree(t, map[string]string{"d/f": ""})
	c := open(t, dir, nil)
	before := digest(t, c, "d")
	if err := syscall.Mkfifo(filepath.Join(dir, "d/pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if digest(t, c, "d") == before {
		t.Error("a pipe does not count")
	}
}
