// SPDX-License-Identifier: Apache-2.0

package transfer_test

import (
	"errors"
	"maps"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
)

func TestAttributesOnDisk(t *testing.T) {
	dir := folder(t, map[string]string{"d/f": "f", "d/plain": "p", "d/sub/": ""})
	want := map[string]string{"user.one": "1", "user.two": "\x00\x02"}
	for name, value := range map[string]string{"user.one": "1", "user.two": "\x00\x02", "user.overlay.opaque": "y"} {
		err := syscall.Setxattr(filepath.Join(dir, "d/f"), name, []byte(value), 0)
		if errors.Is(err, syscall.ENOTSUP) {
			return // a file system without them has nothing to test
		}
		must(t, err)
	}
	for _, name := range []string{"d", "d/sub"} {
		must(t, syscall.Setxattr(filepath.Join(dir, name), "user.one", []byte("1"), 0))
	}
	entries, err := plan(t, transfer.Job{Step: copyOf("/n", "d"), From: context(t, dir), Onto: image(t)})
	must(t, err)
	for name, want := range map[string]map[string]string{"n": nil, "n/sub": {"user.one": "1"}, "n/f": want, "n/plain": nil} {
		for _, e := range entries {
			if e.Name == name && !maps.Equal(e.Node.Xattrs, want) {
				t.Errorf("%s has %q, want %q", name, e.Node.Xattrs, want)
			}
		}
	}
}
