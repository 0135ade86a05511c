// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// capable is an attribute as "setcap cap_net_raw+ep" gives it.
const capable = "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// base is the tree that commands run in.
func base() [][]layer.Entry {
	return [][]layer.Entry{{
		dir("bin"), file("bin/ping", "ping", attr("security.capability", capable)), file("bin/su", "su", mode(0o4755)),
		dir("d"), file("d/one", "1"), file("d/two", "2"), dir("d/sub"), file("d/sub/x", "x"),
		dir("etc"), file("etc/passwd", "root"), file("etc/secret", "s", mode(0)),
		dir("home"), dir("home/app", owner(1000, 1000), mode(0o700)), file("home/app/rc", "rc", owner(1000, 1000)),
		dir("links"), file("links/a", "linked"), link("links/b", "links/a"),
		symlink("lib", "usr/lib"), dir("usr"), dir("usr/lib"), file("usr/lib/so", "so", attr("user.a", "v")),
		put("dev/null", &tree.Node{Kind: tree.CharDevice, Mode: 0o666, Major: 1, Minor: 3}, nil), dir("dev"),
		put("pipe", &tree.Node{Kind: tree.Fifo, Mode: 0o600}, nil),
		dir("tmp", mode(0o1777)),
	}, {
		file("etc/later", "second layer"), gone("d/two"), file("implied/by/layer", "x"),
	}}
}

// at is a command: what it does with its root.
type command struct {
	t    testing.TB
	root string
}

func (c command) path(name string) string { return filepath.Join(c.root, name) }

func (c command) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c command) write(name, data string) {
	c.t.Helper()
	f, err := os.OpenFile(c.path(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	c.ok(err)
	_, err = f.WriteString(data)
	c.ok(err)
	c.ok(f.Close())
}

func (c command) chmod(name string, mode uint32) {
	c.t.Helper()
	c.ok(syscall.Chmod(c.path(name), mode))
}
func (c command) remove(name string)   { c.t.Helper(); c.ok(os.RemoveAll(c.path(name))) }
func (c command) mkdir(name string)    { c.t.Helper(); c.ok(os.MkdirAll(c.path(name), 0o755)) }
func (c command) link(from, to string) { c.t.Helper(); c.ok(os.Link(c.path(from), c.path(to))) }

// move is mv: overlay refuses to rename folders of lower layers, and mv copies
// them then.
func (c command) move(from, to string) {
	c.t.Helper()
	c.ok(os.Rename(c.path(from), c.path(to)))
}

// touch sets the time of a file, for folders whose times would differ.
func (c command) touch(name string, t time.Time) {
	c.t.Helper()
	c.ok(os.Chtimes(c.path(name), t, t))
}

var commands = []struct {
	name string
	run  func(c command)
	want string
}{
	{"nothing", func(command) {}, ``},
	{"reads", func(c command) {
		_, err := os.ReadFile(c.path("etc/passwd"))
		c.ok(err)
	}, ``},
	{"new file", func(c command) { c.write("etc/new", "new") }, `
		d "etc" 0755 0:0
		f "etc/new" 0644 0:0 "new"`},
	{"new file in the root", func(c command) { c.write("new", "") }, `
		f "new" 0644 0:0`},
	{"the root itself", func(c command) { c.chmod(".", 0o700) }, `
		d "." 0700 0:0`},
	{"changed file", func(c command) { c.write("etc/passwd", "ROOT") }, `
		d "etc" 0755 0:0
		f "etc/passwd" 0644 0:0 "ROOT"`},
	{"same size and time", func(c command) {
		c.write("etc/passwd", "toor")
		c.touch("etc/passwd", past)
	}, `
		d "etc" 0755 0:0
		f "etc/passwd" 0644 0:0 "toor"`},
	{"opened but not changed", func(c command) {
		f, err := os.OpenFile(c.path("usr/lib/so"), os.O_RDWR, 0)
		c.ok(err)
		c.ok(f.Close())
		c.chmod("usr/lib/so", 0o644)
		c.chmod("d", 0o755)
		c.ok(os.Lchown(c.path("home/app/rc"), -1, -1))
	}, ``},
	{"unreadable", func(c command) {
		c.write("etc/hidden", "h")
		c.chmod("etc/hidden", 0)
		c.mkdir("etc/shut/in")
		c.write("etc/shut/in/f", "f")
		c.chmod("etc/shut/in", 0)
		c.chmod("etc/shut", 0)
	}, `
		d "etc" 0755 0:0
		f "etc/hidden" 0000 0:0 "h"
		d "etc/shut" 0000 0:0
		d "etc/shut/in" 0000 0:0
		f "etc/shut/in/f" 0644 0:0 "f"`},
	{"chmod", func(c command) { c.chmod("bin/su", 0o755); c.chmod("tmp", 0o777) }, `
		d "bin" 0755 0:0
		f "bin/su" 0755 0:0 "su"
		d "tmp" 0777 0:0`},
	{"set-id", func(c command) { c.write("bin/new", "n"); c.chmod("bin/new", 0o6755) }, `
		d "bin" 0755 0:0
		f "bin/new" 6755 0:0 "n"`},
	{"removed file", func(c command) { c.remove("etc/passwd") }, `
		d "etc" 0755 0:0
		- "etc/passwd"`},
	{"removed tree", func(c command) { c.remove("d"); c.remove("pipe"); c.remove("lib") }, `
		- "d"
		- "lib"
		- "pipe"`},
	{"emptied folder", func(c command) { c.remove("d/one"); c.remove("d/sub") }, `
		d "d" 0755 0:0
		! "d"`},
	{"emptied folder with something new", func(c command) {
		c.remove("d/one")
		c.remove("d/sub")
		c.write("d/new", "n")
	}, `
		d "d" 0755 0:0
		! "d"
		f "d/new" 0644 0:0 "n"`},
	{"removed and made again", func(c command) { c.remove("d"); c.mkdir("d"); c.write("d/new", "n") }, `
		d "d" 0755 0:0
		! "d"
		f "d/new" 0644 0:0 "n"`},
	{"made again with some of it", func(c command) {
		c.remove("d")
		c.mkdir("d/sub")
		c.write("d/one", "1")
		c.touch("d/one", past)
	}, `
		d "d" 0755 0:0
		d "d/sub" 0755 0:0
		- "d/sub/x"`},
	{"file becomes folder", func(c command) { c.remove("etc/passwd"); c.mkdir("etc/passwd/x") }, `
		d "etc" 0755 0:0
		d "etc/passwd" 0755 0:0
		d "etc/passwd/x" 0755 0:0`},
	{"folder becomes file", func(c command) { c.remove("d"); c.write("d", "file") }, `
		f "d" 0644 0:0 "file"`},
	{"folder becomes link", func(c command) { c.remove("d"); c.ok(os.Symlink("/etc", c.path("d"))) }, `
		l "d" 0777 0:0 -> "/etc"`},
	{"there and back", func(c command) {
		c.remove("etc/passwd")
		c.mkdir("etc/passwd")
		c.remove("etc/passwd")
		c.write("etc/passwd", "root")
		c.touch("etc/passwd", past)
		c.touch("etc", past)
	}, ``},
	{"new and gone", func(c command) { c.write("etc/x", "x"); c.remove("etc/x"); c.touch("etc", past) }, ``},
	{"renamed file", func(c command) { c.move("etc/passwd", "etc/moved") }, `
		d "etc" 0755 0:0
		f "etc/moved" 0644 0:0 "root"
		- "etc/passwd"`},
	{"renamed new folder", func(c command) { c.mkdir("n/a"); c.write("n/a/f", "f"); c.move("n", "m") }, `
		d "m" 0755 0:0
		d "m/a" 0755 0:0
		f "m/a/f" 0644 0:0 "f"`},
	{"link to a file that was there", func(c command) { c.link("etc/passwd", "etc/zzz") }, `
		d "etc" 0755 0:0
		f "etc/passwd" 0644 0:0 "root"
		= "etc/zzz" "etc/passwd"`},
	{"link whose name is before", func(c command) { c.link("etc/passwd", "bin/pw") }, `
		d "bin" 0755 0:0
		f "bin/pw" 0644 0:0 "root"
		d "etc" 0755 0:0
		= "etc/passwd" "bin/pw"`},
	{"new links", func(c command) { c.write("tmp/a", "a"); c.link("tmp/a", "tmp/b"); c.link("tmp/a", "d/c") }, `
		d "d" 0755 0:0
		f "d/c" 0644 0:0 "a"
		d "tmp" 1777 0:0
		= "tmp/a" "d/c"
		= "tmp/b" "d/c"`},
	{"one of two links removed", func(c command) { c.remove("links/a") }, `
		d "links" 0755 0:0
		- "links/a"`},
	{"capabilities kept by chmod", func(c command) { c.chmod("bin/ping", 0o700) }, `
		d "bin" 0755 0:0
		f "bin/ping" 0700 0:0 map["security.capability":"\x01\x00\x00\x02\x00 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"] "ping"`},
	{"capabilities lost by writing", func(c command) { c.write("bin/ping", "pong") }, `
		d "bin" 0755 0:0
		f "bin/ping" 0644 0:0 "pong"`},
	{"attributes", func(c command) {
		c.ok(unix.Setxattr(c.path("etc"), "user.a", []byte("1"), 0))
		c.ok(unix.Setxattr(c.path("etc/passwd"), "security.capability", []byte(capable), 0))
		c.ok(unix.Removexattr(c.path("usr/lib/so"), "user.a"))
	}, `
		d "etc" 0755 0:0 map["user.a":"1"]
		f "etc/passwd" 0644 0:0 map["security.capability":"\x01\x00\x00\x02\x00 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"] "root"
		d "usr" 0755 0:0
		d "usr/lib" 0755 0:0
		f "usr/lib/so" 0644 0:0 "so"`},
	{"sockets, pipes", func(c command) {
		l, err := net.Listen("unix", c.path("tmp/sock"))
		c.ok(err)
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		c.ok(l.Close())
		c.ok(unix.Mkfifo(c.path("tmp/fifo"), 0o640))
		c.touch("tmp", past)
	}, `
		d "tmp" 1777 0:0
		p "tmp/fifo" 0640 0:0`},
	{"odd names", func(c command) {
		c.write("tmp/a\nb", "1")
		c.write("tmp/\xff\xfe", "2")
		c.write("tmp/ \"quoted\" ", "3")
		c.write("tmp/"+strings.Repeat("n", 255), "4")
		c.touch("tmp", past)
	}, `
		d "tmp" 1777 0:0
		f "tmp/ \"quoted\" " 0644 0:0 "3"
		f "tmp/a\nb" 0644 0:0 "1"
		f "tmp/` + strings.Repeat("n", 255) + `" 0644 0:0 "4"
		f "tmp/\xff\xfe" 0644 0:0 "2"`},
	{"links that lead out", func(c command) {
		c.ok(os.Symlink("/", c.path("tmp/out")))
		c.ok(os.Symlink("../../../../../../etc/shadow", c.path("tmp/up")))
		c.remove("etc")
		c.ok(os.Symlink("/etc", c.path("etc")))
	}, `
		l "etc" 0777 0:0 -> "/etc"
		d "tmp" 1777 0:0
		l "tmp/out" 0777 0:0 -> "/"
		l "tmp/up" 0777 0:0 -> "../../../../../../etc/shadow"`},
	{"sparse", func(c command) {
		c.write("tmp/sparse", "")
		c.ok(os.Truncate(c.path("tmp/sparse"), 40))
	}, `
		d "tmp" 1777 0:0
		f "tmp/sparse" 0644 0:0 "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"`},
	{"folder that a layer implies", func(c command) { c.write("implied/by/x", "x") }, `
		d "implied" 0755 0:0
		d "implied/by" 0755 0:0
		f "implied/by/x" 0644 0:0 "x"`},
}

// TestChanges runs commands in both kinds of root. What they change must be the
// same, and once it is a layer, the next root must look as the last one did.
func TestChanges(t *testing.T) {
	for _, cmd := range commands {
		for _, way := range []struct {
			name string
			copy bool
		}{{"overlay", false}, {"copy", true}} {
			t.Run(cmd.name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				want := strings.TrimPrefix(strings.ReplaceAll(cmd.want, "\n\t\t", "\n"), "\n")
				if want != "" {
					want += "\n"
				}
				b := newBench(t, base()...)
				r := b.open(Options{Copy: way.copy})
				cmd.run(command{t, r.Path()})
				checkChanges(t, b, r, want, way.copy)
			})
		}
	}
}

// checkChanges ends a command: its changes, then the roots that follow.
func checkChanges(t *testing.T, b *bench, r *Root, want string, copied bool) {
	t.Helper()
	entries, err := r.Changes()
	if err != nil {
		t.Fatal(err)
	}
	if got := text(t, entries); got != want {
		t.Fatalf("changes:\n%s\nwant:\n%s", got, want)
	}
	if len(entries) == 0 {
		return
	}
	l := b.add(entries)
	if err := r.Adopt(l); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(r.options.Temp); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary folder: %v, %v", left, err)
	}
	b.check("after the command", Options{Copy: copied})
	if err := Sweep(filepath.Join(b.dir, "state"), func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	b.check("unpacked", Options{Copy: copied})
}

// check opens the chain: what is on disk must be the tree, and nothing must
// have changed.
func (b *bench) check(when string, o Options) {
	b.t.Helper()
	r := b.open(o)
	if got, want := onDiskList(b.t, r.Path()), inTreeList(b.t, b.chain); got != want {
		b.t.Errorf("%s: on disk:\n%s\nin the tree:\n%s", when, got, want)
	}
	entries, err := r.Changes()
	if err != nil {
		b.t.Fatal(err)
	}
	if len(entries) > 0 {
		b.t.Errorf("%s: nothing was done, and changed:\n%s", when, text(b.t, entries))
	}
	if err := r.Close(); err != nil {
		b.t.Error(err)
	}
}
