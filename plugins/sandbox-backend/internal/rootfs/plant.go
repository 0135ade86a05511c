// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// planter makes a whole tree in an empty folder, of which it gets the files in
// the order of a walk.
type planter struct {
	w *writer
	// folders and others are the names it has.
	folders, others []string
	have            map[string]*tree.Node
	// links are names of files that have another name already.
	links [][2]string
}

// newPlanter starts in an empty folder; finish ends it.
func newPlanter(path string, id ids) (*planter, error) {
	w, err := newWriter(path, id)
	return &planter{w: w, have: map[string]*tree.Node{}}, err
}

// add makes a file. The bytes of one that has some are those of open. first is
// the name the file has already, if any.
func (p *planter) add(name string, n *tree.Node, first string, open func() (*os.File, error)) error {
	if n.Kind == tree.Dir {
		p.folders, p.have[name] = append(p.folders, name), n
		if name == "." {
			return nil
		}
		return p.w.mkdir(name)
	}
	p.others = append(p.others, name)
	if first != "" {
		p.links = append(p.links, [2]string{name, first})
		return nil
	}
	if n.Kind == tree.File {
		p.w.do(name, func(at spot, buf []byte) error { return cloneFile(at, n, p.w.id, open, buf) })
		return nil
	}
	at, err := p.w.place.at(name)
	if err != nil {
		return err
	}
	_, err = makeOther(at, n, p.w.id)
	return err
}

// finish waits for all files, makes links, and makes folders look as they
// should: whatever is made in them changes their times. done is called for each
// file when it is as it should be, folders last: their modes may keep anybody
// out. finish lets go of the folder, also when err says that something went
// wrong before.
func (p *planter) finish(err error, done func(name string, at spot) error) error {
	if waited := p.w.wait(); err == nil {
		err = waited
	}
	if err == nil {
		err = p.rest(done)
	}
	return errors.Join(err, p.w.end())
}

// rest is what has to wait for all files.
func (p *planter) rest(done func(name string, at spot) error) error {
	for _, l := range p.links {
		if err := p.w.link(l[0], l[1]); err != nil {
			return fmt.Errorf("hard link %q to %q: %w", l[0], l[1], err)
		}
	}
	for _, name := range p.others {
		if done == nil {
			break
		}
		at, err := p.w.place.at(name)
		if err == nil {
			err = done(name, at)
		}
		if err != nil {
			return fmt.Errorf("file %q: %w", name, err)
		}
	}
	return dressAll(p.w.place, p.folders, p.have, p.w.id, done)
}

// cloneFile makes a file with the bytes of another, without copying them where
// the file system can. It is never a hard link: what is written to one must
// not change the other.
func cloneFile(at spot, n *tree.Node, id ids, open func() (*os.File, error), buf []byte) error {
	if n.Size == 0 {
		return makeFile(at, n, nil, id, nil)
	}
	from, err := open()
	if err != nil {
		return err
	}
	defer from.Close()
	fd, err := clone(from, at)
	if errors.Is(err, errors.ErrUnsupported) {
		return makeFile(at, n, from, id, buf)
	}
	if err != nil {
		return err
	}
	err = dress(fd, at, n, id)
	return errors.Join(err, unix.Close(fd))
}

// CopyTree copies a folder to a path that does not exist, with owners, modes,
// times, extended attributes and hard links. Sockets are left out. No link is
// followed. Nothing may change the folder meanwhile.
func CopyTree(from, to string) error {
	id, err := currentIDs()
	if err != nil {
		return err
	}
	s := scanner{id: id}
	if err := s.all(from); err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	p, err := newPlanter(to, id)
	if err != nil {
		return err
	}
	first := map[inode]string{}
	for _, f := range s.out {
		file := inode{f.dev, f.ino}
		if err = p.add(f.name, f.node, first[file], func() (*os.File, error) { return openFile(from, f.name) }); err != nil {
			err = fmt.Errorf("file %q: %w", f.name, err)
			break
		}
		if f.ino != 0 && first[file] == "" {
			first[file] = f.name
		}
	}
	if err := p.finish(err, nil); err != nil {
		return fmt.Errorf("copying %s: %w", from, err)
	}
	return nil
}
