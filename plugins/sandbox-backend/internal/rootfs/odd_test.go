// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

func clearing(name string) layer.Entry {
	return layer.Entry{Change: tree.Change{Op: tree.Clear, Name: name}}
}

// oddLayers are chains as no build here makes them, but tools do.
var oddLayers = []struct {
	name   string
	layers [][]layer.Entry
	// copied says that there can be no overlay.
	copied bool
}{
	{"nothing", nil, false},
	{"folders that are not named, with another mode below", [][]layer.Entry{
		{dir("a", mode(0o700), owner(7, 7)), dir("a/b", mode(0o1777), attr("user.a", "x"))}, {file("a/b/c", "c")}, {file("a/b/d", "d")},
	}, false},
	{"below a link", [][]layer.Entry{{symlink("lib", "usr/lib"), dir("usr/lib")}, {file("lib/so", "so")}}, true},
	{"below a link of the same layer", [][]layer.Entry{{symlink("lib", "usr/lib"), file("lib/so", "so"), dir("usr/lib")}}, true},
	{"a link below, replaced later", [][]layer.Entry{{file("lib/so", "so")}, {symlink("lib", "usr/lib"), file("usr/lib/so", "2")}}, false},
	{"a hard link to a layer below", [][]layer.Entry{{file("a", "a")}, {link("b", "a")}}, true},
	{"hard links", [][]layer.Entry{{file("z", "z"), link("a", "z"), link("m/x", "z")}, {gone("z")}}, false},
	{"all cleared", [][]layer.Entry{{file("a", "a"), dir("d")}, {clearing("."), file("b", "b")}, {file("c", "c")}}, false},
	{"a folder cleared", [][]layer.Entry{{dir("d"), file("d/a", "a"), dir("d/e"), file("d/e/x", "")}, {clearing("d"), file("d/b", "b")}}, false},
	{"a folder cleared that is made", [][]layer.Entry{{file("d/a", "a")}, {gone("d"), dir("d", mode(0o700)), file("d/b", "b")}}, false},
	{"whiteouts of what never was", [][]layer.Entry{{gone("x"), gone("a/b/c"), file("a/d", "d")}, {gone("a/y"), gone("d/e/f"), clearing("n")}}, false},
	{"whiteouts below others", [][]layer.Entry{{file("a/b/c", "c"), file("a/d", "")}, {gone("a"), gone("a/b"), gone("a/b/c")}}, false},
	{"a file where a folder was and back", [][]layer.Entry{{file("a/b/c", "c")}, {file("a", "file")}, {dir("a"), file("a/d", "d")}}, false},
	{"attributes of overlay", [][]layer.Entry{
		{dir("d"), file("d/a", "a"), dir("e"), file("e/b", "b")},
		{dir("d", attr("user.overlay.opaque", "y"), attr("trusted.overlay.opaque", "y")), dir("f", attr("user.overlay.redirect", "/e")), file("x", "", attr("user.overlay.whiteout", ""))},
	}, false},
	{"devices", [][]layer.Entry{
		{file("a", "a"), put("null", &tree.Node{Kind: tree.CharDevice, Mode: 0o666, Major: 1, Minor: 3}, nil)},
		{put("a", &tree.Node{Kind: tree.Fifo, Mode: 0o600}, nil), put("sda", &tree.Node{Kind: tree.BlockDevice, Mode: 0o600, Major: 8}, nil)},
	}, false},
	{"large files with holes", [][]layer.Entry{{
		file("hole", strings.Repeat("\x00", 1<<20)), file("end", strings.Repeat("\x00", 300<<10)+"end"),
		file("start", "start"+strings.Repeat("\x00", 300<<10)), file("exact", strings.Repeat("x", hole)), file("over", strings.Repeat("x", hole+1)),
	}}, false},
	{"owners", [][]layer.Entry{{dir("d", owner(70000, 1)), file("d/f", "f", owner(1, 70000), mode(0o6755)), file("d/g", "g", owner(65534, 65534))}}, false},
	{"folders that nobody can read", [][]layer.Entry{{dir("d", mode(0)), dir("d/e", mode(0)), file("d/e/f", "f", mode(0))}}, false},
}

// TestOddLayers checks that the tree on disk is what the index says, whatever
// the layers are like.
func TestOddLayers(t *testing.T) {
	for _, c := range oddLayers {
		for _, copied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/copy=%v", c.name, copied), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, c.layers...)
				b.refused = c.copied
				b.check("fresh", Options{Copy: copied})
				b.check("again", Options{Copy: copied})
			})
		}
	}
}

func TestLongChains(t *testing.T) {
	for _, n := range []int{200, 498, 499} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			b := newBench(t)
			for i := range n {
				b.add([]layer.Entry{file(fmt.Sprintf("d/%d", i), fmt.Sprint(i)), gone(fmt.Sprintf("d/%d", i-7))})
			}
			b.refused = n > maxLowers
			b.check("long", Options{})
		})
	}
}

// TestMounts checks that mount points are where the command would find them,
// and never in a layer by themselves.
func TestMounts(t *testing.T) {
	mounts := []Mountpoint{
		{"/proc", true}, {"/etc/resolv.conf", false}, {"/etc/hosts", false}, {"/var/run/app/sock", false}, {"/var/run/app", true},
		{"/lib/x/", true}, {"/new/../new/./y", true}, {"/", true}, {"/up", true},
	}
	want := []string{"proc", "run/systemd/resolv", "etc/hosts", "run/app/sock", "run/app", "usr/lib/x", "new/y", ".", "target"}
	for _, copied := range []bool{false, true} {
		t.Run(fmt.Sprintf("copy=%v", copied), func(t *testing.T) {
			b := newBench(t, []layer.Entry{
				dir("etc"), symlink("etc/resolv.conf", "../run/systemd/resolv"), file("etc/hosts", "h"), dir("run"), dir("var"), symlink("var/run", "/run"),
				symlink("lib", "usr/lib"), dir("usr/lib"), symlink("up", "../../../target"),
			})
			r := b.open(Options{Copy: copied, Mounts: mounts})
			if got := fmt.Sprint(r.Mounts()); got != fmt.Sprint(want) {
				t.Errorf("mounts at %s, want %s", got, want)
			}
			for i, m := range mounts {
				info, err := os.Lstat(filepath.Join(r.Path(), r.Mounts()[i]))
				if err != nil || info.IsDir() != m.Dir {
					t.Errorf("%s: %v, %v", m.Target, info, err)
				}
			}
			command{t, r.Path()}.write("new/z", "z")
			command{t, r.Path()}.chmod("run/systemd", 0o700)
			command{t, r.Path()}.remove("proc")
			checkChanges(t, b, r, `d "new" 0755 0:0
f "new/z" 0644 0:0 "z"
d "run" 0755 0:0
d "run/systemd" 0700 0:0
`, copied)
		})
	}
}

func TestMountsThatCannotBe(t *testing.T) {
	for target, want := range map[string]string{
		"/f":      `mounting at "/f": "f" in the image is no folder, and a folder is to be mounted there`,
		"/f/x":    `mounting at "/f/x": "f" in the image is no folder`,
		"/loop/x": `mounting at "/loop/x": too many levels of symbolic links`,
	} {
		b := newBench(t, []layer.Entry{file("f", ""), symlink("loop", "loop")})
		_, err := Open(b.chain.Layers, Of(b.chain.Tree), Options{State: b.dir, Temp: b.dir, Mounts: []Mountpoint{{target, true}}})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", target, err, want)
		}
	}
}

// TestOwners: an id that is not mapped cannot be given away, and files of such
// an owner keep it.
func TestOwners(t *testing.T) {
	for _, copied := range []bool{false, true} {
		t.Run(fmt.Sprintf("copy=%v", copied), func(t *testing.T) {
			b := newBench(t, base()...)
			r := b.open(Options{Copy: copied})
			c := command{t, r.Path()}
			c.write("home/app/rc", "changed")
			c.chmod("home/app", 0o711)
			want := `d "home" 0755 0:0
d "home/app" 0711 1000:1000
f "home/app/rc" 0644 1000:1000 "changed"
`
			if !oneID() {
				c.ok(os.Chown(c.path("home"), 5, 6))
				c.ok(os.Lchown(c.path("lib"), 7, 8))
				want = strings.Replace(want, "0755 0:0", "0755 5:6", 1) + `l "lib" 0777 7:8 -> "usr/lib"` + "\n"
			}
			checkChanges(t, b, r, want, copied)
		})
	}
}

// TestHardLinkWritten shows the one thing in which overlay differs from other
// file systems: writing to one of two names that a layer below has.
func TestHardLinkWritten(t *testing.T) {
	for copied, want := range map[bool]string{
		false: "d \"links\" 0755 0:0\nf \"links/b\" 0644 0:0 \"B\"\n",
		true:  "d \"links\" 0755 0:0\nf \"links/a\" 0644 0:0 \"B\"\n= \"links/b\" \"links/a\"\n",
	} {
		b := newBench(t, base()...)
		r := b.open(Options{Copy: copied})
		command{t, r.Path()}.write("links/b", "B")
		checkChanges(t, b, r, want, copied)
	}
}

// TestFolderMoved: a file keeps its other names when a folder with one of them
// is moved. In an overlay a folder of a layer below cannot be moved.
func TestFolderMoved(t *testing.T) {
	b := newBench(t, []layer.Entry{dir("d"), dir("d/e"), file("d/e/a", "linked"), file("d/e/b", "b"), dir("z"), link("z/c", "d/e/a")})
	r := b.open(Options{Copy: true})
	command{t, r.Path()}.move("d/e", "m")
	checkChanges(t, b, r, `d "d" 0755 0:0
- "d/e"
d "m" 0755 0:0
f "m/a" 0644 0:0 "linked"
f "m/b" 0644 0:0 "b"
d "z" 0755 0:0
= "z/c" "m/a"
`, true)
	over := b.open(Options{})
	if err := os.Rename(filepath.Join(over.Path(), "m"), filepath.Join(over.Path(), "n")); !errors.Is(err, unix.EXDEV) {
		t.Errorf("renaming a folder of a layer: %v", err)
	}
}

// TestAdopt: what the command wrote need not be unpacked, unless a layer could
// not say all of it.
func TestAdopt(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(c command)
		want bool
	}{
		{"files", func(c command) { c.write("etc/new/../new", "n"); c.remove("d"); c.chmod("tmp", 0o700) }, true},
		{"a folder made again", func(c command) { c.remove("d"); c.mkdir("d"); c.write("d/x", "x") }, true},
		{"links", func(c command) { c.link("etc/passwd", "etc/zzz") }, true},
		{"a socket", func(c command) {
			fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			c.ok(err)
			c.ok(unix.Bind(fd, &unix.SockaddrUnix{Name: c.path("tmp/s")}))
			c.ok(unix.Close(fd))
		}, false},
		{"a file that was only opened", func(c command) { c.write("etc/new", ""); c.chmod("etc/passwd", 0o644) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, base()...)
			r := b.open(Options{})
			c.run(command{t, r.Path()})
			entries, err := r.Changes()
			if err != nil {
				t.Fatal(err)
			}
			l := b.add(entries)
			if err := r.Adopt(l); err != nil {
				t.Fatal(err)
			}
			if got := r.view.(*overlay).layers.has(l.Digest); got != c.want {
				t.Errorf("adopted: %v, want %v", got, c.want)
			}
			b.check("next", Options{})
		})
	}
}

// TestAtOnce: who wants the same layers at the same time gets whole ones, even
// after a process died while unpacking.
func TestAtOnce(t *testing.T) {
	for _, copied := range []bool{false, true} {
		b := newBench(t, base()...)
		r := b.open(Options{Copy: copied})
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := Sweep(filepath.Join(b.dir, "state"), func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"lower", "pool"} {
			hexed := strings.TrimPrefix(b.chain.Layers[0].Digest, "sha256:")
			draft := filepath.Join(b.dir, "state", kind+"-"+r.id.key, hexed+".draft", filesName, "half")
			command{t, "/"}.mkdir(draft)
		}
		var roots []*Root
		for range 6 {
			b.roots++
			temp := filepath.Join(b.dir, fmt.Sprintf("temp-%d", b.roots))
			command{t, "/"}.mkdir(temp)
			roots = append(roots, &Root{options: Options{State: filepath.Join(b.dir, "state"), Temp: temp, Copy: copied}})
		}
		var all sync.WaitGroup
		for i := range roots {
			all.Go(func() {
				r, err := Open(b.chain.Layers, Of(b.chain.Tree), roots[i].options)
				if err != nil {
					t.Error(err)
					return
				}
				roots[i] = r
			})
		}
		all.Wait()
		for _, r := range roots {
			if got, want := onDiskList(t, r.Path()), inTreeList(t, b.chain); got != want {
				t.Errorf("on disk:\n%s\nin the tree:\n%s", got, want)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestOverlayRefused: on a file system that is an overlay itself, there is a
// copy, and it says why.
func TestOverlayRefused(t *testing.T) {
	b := newBench(t, base()...)
	outer := b.open(Options{})
	b.dir, b.refused = filepath.Join(outer.Path(), "tmp"), true
	b.check("on an overlay", Options{})
	r := b.open(Options{})
	if !strings.Contains(r.WhyCopy(), "refuse") {
		t.Errorf("reason: %q", r.WhyCopy())
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestCopyTree(t *testing.T) {
	b := newBench(t, base()...)
	r := b.open(Options{})
	to := filepath.Join(b.dir, "to")
	if err := CopyTree(r.Path(), to); err != nil {
		t.Fatal(err)
	}
	if got, want := onDiskList(t, to), inTreeList(t, b.chain); got != want {
		t.Errorf("copied:\n%s\nin the tree:\n%s", got, want)
	}
	if err := CopyTree(r.Path(), to); err == nil {
		t.Error("copied onto what is there")
	}
}

// TestChangesAskedFor: layers may come without their changes.
func TestChangesAskedFor(t *testing.T) {
	for _, copied := range []bool{false, true} {
		b := newBench(t, base()...)
		full := b.chain.Layers
		b.chain.Layers = nil
		known := map[string][]tree.Change{}
		for _, src := range full {
			known[src.Digest] = src.Changes
			src.Layer = &layer.Layer{Digest: src.Digest, Size: src.Size}
			b.chain.Layers = append(b.chain.Layers, src)
		}
		asked := 0
		o := Options{Copy: copied, Changes: func(digest string) ([]tree.Change, error) { asked++; return known[digest], nil }}
		for range 2 {
			r := b.open(o)
			r.before = Of(b.chain.Tree)
			if _, err := os.Lstat(filepath.Join(r.Path(), "etc/later")); err != nil {
				t.Error(err)
			}
		}
		if asked != 2 {
			t.Errorf("asked %d times for 2 layers", asked)
		}
		if err := Sweep(filepath.Join(b.dir, "state"), func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(b.chain.Layers, Of(b.chain.Tree), Options{State: filepath.Join(b.dir, "state"), Temp: t.TempDir(), Copy: copied}); err == nil {
			t.Error("unpacked a layer without its changes")
		}
	}
}
