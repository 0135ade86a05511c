// SPDX-License-Identifier: Apache-2.0

//go:build system && linux

package rootfs

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRandom does random things to a tree, a few commands after each other, in
// both kinds of root. After each, the layer applied to the tree must give what
// was on disk, and the next root must be the same again.
func TestRandom(t *testing.T) {
	for seed := range uint64(12) {
		for _, copied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/copy=%v", seed, copied), func(t *testing.T) {
				t.Parallel()
				randomCommands(t, seed, copied)
			})
		}
	}
}

func randomCommands(t *testing.T, seed uint64, copied bool) {
	b := newBench(t, base()...)
	m := monkey{rand: rand.New(rand.NewPCG(seed, 1)), t: t, copied: copied}
	for range 4 {
		r := b.open(Options{Copy: copied})
		m.root = r.Path()
		for range 40 {
			m.act()
		}
		want := onDiskList(t, r.Path())
		entries, err := r.Changes()
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) > 0 {
			if err := r.Adopt(b.add(entries)); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		got := inTreeList(t, b.chain)
		if !copied {
			// While it is mounted, overlay may show two names of a file that it
			// copied up as two files. What it keeps is one.
			got, want = links.ReplaceAllString(got, ""), links.ReplaceAllString(want, "")
		}
		if got != want {
			t.Fatalf("was on disk:\n%s\nin the tree:\n%s\ndone:\n%s\nlayer:\n%s", want, got, strings.Join(m.done, "\n"), entriesText(b))
		}
		b.check("next", Options{Copy: copied})
		m.done = nil
	}
	if err := Sweep(filepath.Join(b.dir, "state"), func(string) bool { return false }); err != nil {
		t.Fatal(err)
	}
	b.check("unpacked", Options{Copy: copied})
}

var links = regexp.MustCompile(` link="[^"]*"`)

func entriesText(b *bench) string {
	var out strings.Builder
	for _, c := range b.chain.Layers[len(b.chain.Layers)-1].Changes {
		fmt.Fprintf(&out, "%d %q %q\n", c.Op, c.Name, c.Target)
	}
	return out.String()
}

// monkey does random things below a folder.
type monkey struct {
	rand   *rand.Rand
	t      *testing.T
	root   string
	copied bool
	done   []string
}

// any returns a random path below the root that exists.
func (m *monkey) any() string {
	var all []string
	_ = filepath.WalkDir(m.root, func(path string, _ fs.DirEntry, _ error) error {
		if path != m.root && path != filepath.Join(m.root, "dev") {
			all = append(all, path)
		}
		return nil
	})
	if len(all) == 0 {
		return m.fresh()
	}
	return all[m.rand.IntN(len(all))]
}

// fresh returns a path that may not exist.
func (m *monkey) fresh() string {
	dir := m.root
	_ = filepath.WalkDir(m.root, func(path string, d fs.DirEntry, _ error) error {
		if d.IsDir() && m.rand.IntN(6) == 0 && filepath.Base(path) != "dev" {
			dir = path
		}
		return nil
	})
	return filepath.Join(dir, string(rune('a'+m.rand.IntN(6))))
}

// act does one thing. Many fail, for what is there is of the wrong kind; that
// is part of it.
func (m *monkey) act() {
	acts := []struct {
		name string
		do   func(a, b string) error
	}{
		{"write", func(a, b string) error { return m.write(b) }},
		{"write", func(a, b string) error { return m.write(m.single(a)) }},
		{"mkdir", func(a, b string) error { return os.Mkdir(b, 0o755) }},
		{"remove", func(a, b string) error { return os.RemoveAll(a) }},
		{"remove and mkdir", func(a, b string) error { _ = os.RemoveAll(a); return os.Mkdir(a, 0o700) }},
		{"rename", func(a, b string) error { return os.Rename(a, b) }},
		{"link", func(a, b string) error { return os.Link(m.single(a), b) }},
		{"link new", func(a, b string) error { _ = m.write(b); return os.Link(b, b+"2") }},
		{"symlink", func(a, b string) error { return os.Symlink(a, b) }},
		{"chmod", func(a, b string) error { return unix.Fchmodat(unix.AT_FDCWD, m.single(a), m.rand.Uint32()&0o7777, 0) }},
		{"chmod same", func(a, b string) error { return m.same(a) }},
		{"touch", func(a, b string) error {
			when := time.Unix(m.rand.Int64N(1<<31), 0)
			return os.Chtimes(m.single(a), when, when)
		}},
		{"fifo", func(a, b string) error { return unix.Mkfifo(b, 0o600) }},
		{"attribute", func(a, b string) error { return unix.Lsetxattr(m.single(a), "user.a", []byte{byte(m.rand.IntN(3))}, 0) }},
		{"chown", func(a, b string) error { return os.Lchown(m.single(a), m.rand.IntN(3), m.rand.IntN(3)) }},
	}
	act := acts[m.rand.IntN(len(acts))]
	a, b := m.any(), m.fresh()
	err := act.do(a, b)
	m.done = append(m.done, fmt.Sprintf("%s %q %q: %v", act.name, a, b, err))
}

// write writes a file, and never through a link.
func (m *monkey) write(path string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	_, err = unix.Write(fd, []byte(fmt.Sprint(m.rand.IntN(1000))))
	_ = unix.Close(fd)
	return err
}

// single returns the path if it has no other name: overlay gives such a file a
// life of its own when it is written to, and other file systems do not.
func (m *monkey) single(path string) string {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil || st.Nlink > 1 && st.Mode&unix.S_IFMT != unix.S_IFDIR || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return m.root + "/tmp"
	}
	return path
}

// same changes nothing, so that overlay copies a file up for nothing.
func (m *monkey) same(path string) error {
	var st unix.Stat_t
	path = m.single(path)
	if err := unix.Lstat(path, &st); err != nil {
		return err
	}
	return unix.Fchmodat(unix.AT_FDCWD, path, st.Mode&0o7777, 0)
}
