// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// copied is a tree as a folder of its own. The bytes of each layer's files are
// unpacked once, and cloned from there.
type copied struct {
	root *Root
	pool *layers
	// stamps is what each file was like before the command.
	stamps map[string]stamp
	// last is the latest of them.
	last stamp
}

// stamp changes with every change of a file: whatever is done to it, its time
// of change becomes later.
type stamp struct {
	ino         uint64
	sec, nsec   int64
	size        int64
	mode, links uint32
}

func stampOf(st *unix.Stat_t) stamp {
	return stamp{st.Ino, int64(st.Ctim.Sec), int64(st.Ctim.Nsec), st.Size, uint32(st.Mode), uint32(st.Nlink)}
}

func (c *copied) path() string  { return filepath.Join(c.root.options.Temp, "root") }
func (c *copied) files() string { return c.path() }
func (c *copied) whole() bool   { return true }
func (c *copied) close() error  { return nil }

// adopt does nothing: what the command left is the tree, not a layer.
func (c *copied) adopt(*layer.Layer, *diff) error { return nil }

// newCopy makes the tree.
func newCopy(r *Root, sources []layer.Source) (view, error) {
	pool, err := openLayers(r.options.State, r.id, "pool")
	if err != nil {
		return nil, err
	}
	c := &copied{root: r, pool: pool}
	for _, src := range sources {
		if err := c.fill(src); err != nil {
			return nil, fmt.Errorf("layer %s: %w", src.Digest, err)
		}
	}
	if err := os.Mkdir(c.path(), 0o700); err != nil {
		return nil, err
	}
	return c, c.plant()
}

// fill unpacks the files of a layer: each is named by where it is in the tar.
func (c *copied) fill(src layer.Source) error {
	return c.pool.add(src.Digest, func(files string) (*about, error) {
		src, err := c.root.complete(src)
		if err != nil {
			return nil, err
		}
		w, err := newWriter(files, c.pool.id)
		if err != nil {
			return nil, err
		}
		err = src.Each(func(ch tree.Change, content io.Reader) error {
			if ch.Op != tree.Put || ch.Node.Kind != tree.File || ch.Node.Size == 0 {
				return nil
			}
			plain := &tree.Node{Kind: tree.File, Mode: 0o600, Size: ch.Node.Size}
			return w.file(strconv.FormatInt(ch.Node.Content.Offset, 10), plain, content)
		})
		return &about{}, errors.Join(err, w.end())
	})
}

// open opens the bytes of a file of the tree.
func (c *copied) open(n *tree.Node) (*os.File, error) {
	path, err := c.pool.path(n.Content.Layer)
	if err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(path, filesName, strconv.FormatInt(n.Content.Offset, 10)))
}

// plant makes the files of the tree and the mount points, notes what they are
// like, and waits until a change of one would show: the clock of the file system
// may be slow.
func (c *copied) plant() error {
	p, err := newPlanter(c.path(), c.root.id)
	if err != nil {
		return err
	}
	first := map[tree.Content]string{}
	err = c.root.before.Walk(func(name string, n *tree.Node) error {
		known := ""
		if n.Kind == tree.File {
			known = first[n.Content]
			if known == "" && n.Content.Layer != "" {
				first[n.Content] = name
			}
		}
		if err := p.add(name, n, known, func() (*os.File, error) { return c.open(n) }); err != nil {
			return fmt.Errorf("file %q: %w", name, err)
		}
		return nil
	})
	for _, name := range slices.SortedFunc(maps.Keys(c.root.stubs), tree.Compare) {
		if err == nil {
			err = p.add(name, c.root.stubs[name], "", nil)
		}
	}
	c.stamps = map[string]stamp{}
	if err := p.finish(err, c.stamp); err != nil || c.root.options.ReadOnly {
		return err
	}
	return c.wait()
}

// stamp notes what a file is like.
func (c *copied) stamp(name string, at spot) error {
	var st unix.Stat_t
	err := unix.Fstatat(at.fd, at.base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.ENOENT) {
		return nil // a device that only the superuser could make
	}
	s := stampOf(&st)
	c.stamps[name] = s
	if s.after(c.last) {
		c.last = s
	}
	return err
}

// after says that a stamp is of a later time.
func (s stamp) after(t stamp) bool { return s.sec > t.sec || s.sec == t.sec && s.nsec > t.nsec }

// wait waits until the clock of the file system is past all stamps.
func (c *copied) wait() error {
	probe := filepath.Join(c.root.options.Temp, "clock")
	defer os.Remove(probe)
	for {
		if err := os.WriteFile(probe, nil, 0o600); err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Stat(probe, &st); err != nil {
			return err
		}
		if stampOf(&st).after(c.last) {
			return nil
		}
		if err := os.Remove(probe); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// scan finds what differs from its stamp.
func (c *copied) scan() (*scanner, error) {
	there := map[string]bool{}
	s := &scanner{id: c.root.id, skip: func(name string, st *unix.Stat_t) bool {
		there[name] = st.Mode&unix.S_IFMT == unix.S_IFDIR
		was, ok := c.stamps[name]
		return ok && was == stampOf(st)
	}}
	if err := s.all(c.path()); err != nil {
		return nil, err
	}
	for name := range c.stamps {
		dir, _ := split(name)
		if _, ok := there[name]; !ok && there[dir] {
			s.out = append(s.out, found{name: name})
		}
	}
	return s, c.siblings(s, there)
}

// siblings adds the other names of the files found. They may have their stamps
// still: when a folder is moved, what is in it has other names, but is the
// same as before.
func (c *copied) siblings(s *scanner, there map[string]bool) error {
	linked, known := map[uint64]bool{}, map[string]bool{}
	for _, f := range s.out {
		known[f.name] = true
		if f.ino != 0 {
			linked[f.ino] = true
		}
	}
	var err error
	if s.place, err = openPlace(c.path()); err != nil {
		return err
	}
	defer s.place.close()
	s.skip = nil
	for name, was := range c.stamps {
		if _, ok := there[name]; !ok || known[name] || !linked[was.ino] {
			continue
		}
		f, _, err := s.file(name)
		if err != nil {
			return err
		}
		s.out = append(s.out, f)
	}
	return nil
}
