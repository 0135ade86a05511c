// SPDX-License-Identifier: Apache-2.0

//go:build system

package plugins

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// mount mounts a file system of one MiB on a new folder.
func mount(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	ok(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700"))
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return dir
}

// large is a plugin with a file that is larger than the disk.
func large(version string) *plugin {
	return backend("acme.example/tool", version).add("data", "", strings.Repeat(version, 1<<20)).
		with(func(m *manifest.Manifest) { m.Files[1].Role = "" })
}

// refusedInput is an error about the state folder.
func refusedInput(t *testing.T, what string, err error, message, help string) {
	t.Helper()
	var input *host.InputError
	if !errors.As(err, &input) || !strings.Contains(input.Message, message) || !strings.Contains(input.Help, help) {
		t.Errorf("%s: %v", what, err)
	}
}

// On a full disk nothing is installed, all that was there stays, and the space
// is free again.
func TestFullDisk(t *testing.T) {
	r := oci(t)
	dir := t.TempDir()
	at := r.host + "/acme/tool"
	publish(t, at, "", backend("acme.example/tool", "1.0.0"))
	m := manager(t, host.Config{DataDir: filepath.Join(mount(t), "state")})
	add(t, m, AddOptions{}, at)
	publish(t, at, "", large("2.0.0"))
	publish(t, filepath.Join(dir, "mirror.tar"), "", large("2.0.0"))
	archive := write(t, filepath.Join(dir, "tool.tar"), string(pack(t, large("2.0.0").folder(t))))
	for _, source := range []string{at, archive, filepath.Join(dir, "mirror.tar"), large("2.0.0").folder(t)} {
		err := try(t, m, AddOptions{Replace: true}, source)
		refusedInput(t, source, err, "no space left", "--data-dir")
		if got := installed(t, m); got != "acme.example/tool 1.0.0" {
			t.Errorf("%s: installed %s", source, got)
		}
	}
	if left := tree(t, filepath.Join(m.config.DataDir, "plugins", ".incoming")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	publish(t, at, "", backend("acme.example/tool", "3.0.0"))
	add(t, m, AddOptions{}, at)
	_, err := manager(t, host.Config{}).Mirror(t.Context(), filepath.Join(mount(t), "mirror"), archive)
	refusedInput(t, "mirror", err, "cannot write", "free space")
}

// What a read-only state folder has can be looked at.
func TestReadOnly(t *testing.T) {
	dir := mount(t)
	m := manager(t, host.Config{DataDir: dir})
	add(t, m, AddOptions{}, frontend("tool", "1.0.0").folder(t), frontend("other", "1.0.0").folder(t))
	lock := filepath.Join(t.TempDir(), LockName)
	ok(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	if got := installed(t, m); got != "other 1.0.0, tool 1.0.0" {
		t.Errorf("installed %s", got)
	}
	whole(t, m)
	found := must(m.Doctor(t.Context()))
	if len(found) == 0 || !strings.Contains(found[0].Message, "cannot be written") {
		t.Errorf("%+v", found)
	}
	refusedInput(t, "add", try(t, m, AddOptions{}, frontend("third", "1.0.0").folder(t)), "the state folder", "permissions")
	_, err := m.Remove(t.Context(), "tool")
	refusedInput(t, "remove", err, "the state folder", "permissions")
	_, err = m.Lock(t.Context(), lock)
	ok(t, err)
}
