// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
)

// copied notes what the driver says of copies.
func copied(to *[]string) with {
	return func(c *driver.Command) { c.Copied = func(why string) { *to = append(*to, why) } }
}

// TestCopyAskedFor: the command sees the same tree, changes make the same
// layer, and there is nothing to report.
func TestCopyAskedFor(t *testing.T) {
	r := newRig(t)
	var why []string
	const script = "cat /srv/file; echo more >>/srv/file; rm /etc/shadow"
	ask := func(c *driver.Command) { c.Copy = true }
	for _, change := range []with{copied(&why), ask} {
		got := r.run(script, copied(&why), change)
		got.want(t, "etc/", "-etc/shadow", "srv/", "srv/file")
		if got.out != "content\n" {
			t.Errorf("output is %q", got.out)
		}
	}
	if len(why) > 0 {
		t.Errorf("reported: %q", why)
	}
	if found, _ := filepath.Glob(filepath.Join(r.dir, "state", "pool-*")); len(found) == 0 {
		t.Error("there was no copy")
	}
}

// TestOverlayRefused keeps the driver's files where no overlay can be: on one.
func TestOverlayRefused(t *testing.T) {
	if os.Getenv(userEnv) != "" {
		return // a user cannot mount one
	}
	r := newRig(t)
	on := filepath.Join(r.dir, "on")
	for _, name := range []string{"lower", "upper", "work", "on"} {
		must(t, os.Mkdir(filepath.Join(r.dir, name), 0o700))
	}
	data := "lowerdir=" + r.dir + "/lower,upperdir=" + r.dir + "/upper,workdir=" + r.dir + "/work"
	if err := unix.Mount("overlay", on, "overlay", 0, data); err != nil {
		t.Fatal(err)
	}
	defer func() { must(t, unix.Unmount(on, 0)) }()
	must(t, os.Mkdir(filepath.Join(on, "temp"), 0o700))
	var why []string
	got := r.run("cat /srv/file", copied(&why), func(c *driver.Command) {
		c.State, c.Temp = filepath.Join(on, "state"), filepath.Join(on, "temp")
	})
	if got.failure != nil || got.out != "content\n" {
		t.Errorf("%q %q: %v", got.out, got.err, got.failure)
	}
	if len(why) != 1 || !strings.Contains(why[0], "refuse") {
		t.Errorf("reported: %q", why)
	}
}
