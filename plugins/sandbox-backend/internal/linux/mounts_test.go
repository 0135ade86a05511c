// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package linux

import (
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// mounted gives a command mounts.
func mounted(mounts ...driver.Mount) with {
	return func(c *driver.Command) { c.Mounts = append(c.Mounts, mounts...) }
}

// other is a tree of another image.
func (r *rig) other() driver.Chain {
	return r.chain(driver.Chain{Tree: tree.Empty()}, dir("d", 0o755), file("d/f", 0o644, "other\n"), file("file", 0o640, "a file\n"))
}

func TestBindMounts(t *testing.T) {
	r := newRig(t)
	other := r.other()
	bind := func(path, target string, ro bool) driver.Mount {
		return driver.Mount{Target: target, ReadOnly: ro, Tree: &driver.Subtree{Chain: other, Path: path}}
	}
	for _, c := range []struct {
		script, want string
		mount        driver.Mount
	}{
		{"cat /m/f; echo x >/m/new", "other\n", bind("d", "/m", false)},
		{"cat /m/f; ! echo x >/m/new && ! echo x >/m/f && ! rm /m/f && ! chmod 777 /m", "other\n", bind("d", "/m", true)},
		{"cat /m/f; echo w >/m/f; cat /m/f; rm /m/f; ls /m", "other\nw\n", bind("d", "/m", false)},
		{"cat /m/d/f; ls /m", "other\nd\nfile\n", bind(".", "/m", true)},
		{"cat /m; stat -c %a /m; ! echo x >/m", "a file\n640\n", bind("file", "/m", true)},
		{"cat /m; echo new >/m; cat /m", "a file\nnew\n", bind("file", "/m", false)},
		{"cat /srv/file; echo new >/srv/file", "a file\n", bind("file", "/srv/file", false)},
		{"ls -a /srv", ".\n..\nf\n", bind("d", "/srv", false)},
	} {
		got := r.run(c.script+" 2>/dev/null", mounted(c.mount))
		got.want(t)
		if got.out != c.want {
			t.Errorf("%s: output is %q, want %q", c.script, got.out, c.want)
		}
	}
}

func TestCacheMounts(t *testing.T) {
	r := newRig(t)
	cache := filepath.Join(r.dir, "caches", "one")
	uid, gid := uint32(33), uint32(34)
	if oneID() {
		uid, gid = 0, 0
	}
	m := driver.Mount{Target: "/c", Folder: &driver.Folder{Path: cache, Mode: 0o750, UID: uid, GID: gid}}
	got := r.run("stat -c '%a %u:%g' /c; echo kept >>/c/f; mkdir /c/closed; chmod 0 /c/closed", mounted(m))
	got.want(t)
	if want := fmt.Sprintf("750 %d:%d\n", uid, gid); got.out != want {
		t.Errorf("output is %q, want %q", got.out, want)
	}
	if out := r.ok("cat /c/f; ls /c", mounted(m)); out != "kept\nclosed\nf\n" {
		t.Errorf("output is %q", out)
	}
	m.ReadOnly = true
	r.ok("! echo x >/c/f && cat /c/f", mounted(m))

	seeded := driver.Mount{Target: "/c", Folder: &driver.Folder{Path: filepath.Join(r.dir, "caches", "two"), Seed: &driver.Subtree{Chain: r.other(), Path: "d"}}}
	r.ok("cat /c/f; echo more >>/c/f", mounted(seeded))
	if out := r.ok("cat /c/f", mounted(seeded)); out != "other\nmore\n" {
		t.Errorf("output is %q", out)
	}
}

func TestTmpfsMounts(t *testing.T) {
	r := newRig(t)
	m := driver.Mount{Target: "/t", Tmpfs: &driver.Tmpfs{Size: 1 << 20}}
	got := r.run("echo x >/t/f; stat -c %a /t; ! dd if=/dev/zero of=/t/big bs=1M count=2 2>/dev/null", mounted(m))
	got.want(t)
	if got.out != "1777\n" {
		t.Errorf("output is %q", got.out)
	}
}

func TestSecrets(t *testing.T) {
	r := newRig(t)
	uid, gid := uint32(33), uint32(34)
	if oneID() {
		uid, gid = 0, 0
	}
	m := driver.Mount{Target: "/run/secrets/token", Secret: &driver.Secret{Data: []byte("s3cret-of-the-test"), Mode: 0o440, UID: uid, GID: gid}}
	var onDisk string
	c := r.command([]string{"/bin/sh", "-c", "cat /run/secrets/token; stat -c ' %a %u:%g' /run/secrets/token; ! rm /run/secrets/token && ! echo x >/run/secrets/token"}, mounted(m))
	var out strings.Builder
	c.Output = func(stderr bool, data []byte) {
		if !stderr {
			out.Write(data)
		}
		onDisk += grep(r.dir, "s3cret-of-the-test") // while it runs
		for _, pid := range processes(t, innerName) {
			for _, name := range []string{"cmdline", "environ"} {
				if text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name)); strings.Contains(string(text), "s3cret-of-the-test") {
					t.Errorf("the secret is in the %s of a process", name)
				}
			}
		}
	}
	l, err := r.driver.Run(t.Context(), c)
	ran{layer: l, failure: err}.want(t)
	if want := fmt.Sprintf("s3cret-of-the-test 440 %d:%d\n", uid, gid); out.String() != want {
		t.Errorf("output is %q, want %q", out.String(), want)
	}
	if onDisk += grep(r.dir, "s3cret-of-the-test"); onDisk != "" {
		t.Errorf("the secret is in %s", onDisk)
	}
}

// grep returns a readable file below dir that holds text.
func grep(dir, text string) (found string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), text) {
				found = path
			}
		}
		return nil
	})
	return found
}

func TestSSH(t *testing.T) {
	r := newRig(t)
	agent := filepath.Join(r.dir, "agent")
	l, err := net.Listen("unix", agent)
	must(t, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "from the agent\n")
			c.Close()
		}
	}()
	uid, gid := uint32(33), uint32(34)
	if oneID() {
		uid, gid = 0, 0
	}
	m := driver.Mount{Target: "/run/agent.sock", Socket: &driver.Socket{Path: agent, Mode: 0o600, UID: uid, GID: gid}}
	got := r.run("stat -c '%a %u:%g' /run/agent.sock; test -S /run/agent.sock; nc local:/run/agent.sock </dev/null || tester socket:/run/agent.sock", mounted(m), as(uid, gid))
	got.want(t)
	if want := fmt.Sprintf("600 %d:%d\n", uid, gid); !strings.HasPrefix(got.out, want) || len(got.out) == len(want) {
		t.Errorf("output is %q %q, want %q first", got.out, got.err, want)
	}
}

// Where something is mounted is no change, nor are the folders above it.
func TestMountPlaces(t *testing.T) {
	r := newRig(t)
	r.root = r.chain(r.root, link("etc/resolv.conf", "../../run/missing/resolv.conf"), link("out", "/somewhere/else"), dir("real", 0o755), link("alias", "/real"))
	tmpfs := func(target string) driver.Mount { return driver.Mount{Target: target, Tmpfs: &driver.Tmpfs{}} }
	got := r.run("echo x >/out/f; echo y >/alias/f; echo z >/deep/er/f; ls -d /real /deep/er /somewhere/else; stat -c %Y /real; echo x >>/etc/resolv.conf",
		mounted(tmpfs("/out"), tmpfs("/alias"), tmpfs("/deep/er")))
	got.want(t)
	if !strings.HasPrefix(got.out, "/deep/er\n/real\n/somewhere/else\n") {
		t.Errorf("output is %q", got.out)
	}
	r.run("echo kept >/deep/kept", mounted(tmpfs("/deep/er"))).want(t, "deep/", "deep/kept")
	// Mounts in mounts.
	bind := driver.Mount{Target: "/m", Tree: &driver.Subtree{Chain: r.other(), Path: "."}}
	secret := driver.Mount{Target: "/m/d/deep/secret", Secret: &driver.Secret{Data: []byte("s"), Mode: 0o400}}
	got = r.run("cat /m/d/f /m/d/deep/secret; ls /m/d/empty", mounted(bind, secret, tmpfs("/m/d/empty")))
	got.want(t)
	if got.out != "other\ns" {
		t.Errorf("output is %q", got.out)
	}
	if _, err := os.Stat("/somewhere"); err == nil {
		t.Error("a place was made on the machine")
	}
}

func link(name, target string) layer.Entry {
	return layer.Entry{Change: tree.Change{Name: name, Node: &tree.Node{Kind: tree.Symlink, Mode: 0o777, Target: target, ModTime: epoch}}}
}
