// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// opaque is the attribute of a folder that hides what the layers below have
// in it (overlayfs, "whiteouts and opaque directories", with userxattr).
const opaque = "user.overlay.opaque"

// errOdd says that a layer can only be understood together with those below.
var errOdd = errors.New("cannot be unpacked by itself")

// lower unpacks one layer into a folder that overlay can put onto others.
type lower struct {
	w *writer
	// made are the names in the folder: the node of a folder, nil for all
	// else. A folder that the layer does not have itself is implied.
	made map[string]*tree.Node
	// links and hidden are the changes that wait for the others, and waiting
	// are the names of the links and of what they link to.
	links, hidden []tree.Change
	waiting       map[string]bool
	// late are the names that the layer has itself only after what is below
	// them, or not at all.
	late map[string]bool
}

// implied is the node of a folder that the layer does not have itself.
var implied = &tree.Node{Kind: tree.Dir, Mode: 0o755}

// unpackLower unpacks a layer into the empty folder path. An error that wraps
// errOdd says that it has to be seen together with the layers below.
func unpackLower(path string, src layer.Source, id ids) (*about, error) {
	w, err := newWriter(path, id)
	if err != nil {
		return nil, err
	}
	l := &lower{w: w, made: map[string]*tree.Node{".": implied}, waiting: map[string]bool{}, late: map[string]bool{}}
	err = src.Each(l.add)
	if err == nil {
		err = l.finish()
	}
	if ended := w.end(); err == nil {
		err = ended
	}
	return l.about(), err
}

// add makes the file of a change. Links and whiteouts wait.
func (l *lower) add(c tree.Change, content io.Reader) error {
	if err := tree.CheckName(c.Name); err != nil {
		return fmt.Errorf("layer entry %q: %w", c.Name, err)
	}
	var err error
	switch c.Op {
	case tree.Remove, tree.Clear:
		l.hidden = append(l.hidden, c)
	case tree.Link:
		l.links = append(l.links, c)
		l.waiting[c.Name], l.waiting[c.Target] = true, true
	case tree.Put:
		if err = l.turn(c.Name); err == nil {
			err = l.put(c.Name, c.Node, content)
		}
	}
	if err != nil {
		return fmt.Errorf("layer entry %q: %w", c.Name, err)
	}
	return nil
}

// turn makes the links that wait if one of them has, or links to, the name of a
// file that is to be made, or of a folder above: the order in the layer counts.
func (l *lower) turn(name string) error {
	if len(l.links) == 0 {
		return nil
	}
	now := l.waiting[name]
	above(name, func(dir string) bool {
		now = now || l.waiting[dir]
		return !now
	})
	if !now {
		return nil
	}
	return l.settle()
}

// put makes a file.
func (l *lower) put(name string, n *tree.Node, content io.Reader) error {
	if n.Kind == tree.Dir {
		return l.folder(name, n)
	}
	if err := l.free(name); err != nil {
		return err
	}
	if n.Kind == tree.File {
		l.made[name] = nil
		return l.w.file(name, n, content)
	}
	at, err := l.w.place.at(name)
	if err != nil {
		return err
	}
	made, err := makeOther(at, n, l.w.id)
	if made {
		l.made[name] = nil
	}
	return err
}

// free makes room for a file that is no folder, and the folders above it.
func (l *lower) free(name string) error {
	dir, _ := split(name)
	if err := l.parents(dir); err != nil {
		return err
	}
	if _, ok := l.made[name]; !ok {
		return nil
	}
	return l.drop(name)
}

// drop removes a name that the layer has twice.
func (l *lower) drop(name string) error {
	if err := l.settle(); err != nil {
		return err
	}
	l.w.place.leave()
	at, err := l.w.place.at(name)
	if err != nil {
		return err
	}
	for made, n := range l.made {
		if made != name && !under(made, name) {
			continue
		}
		if n == implied || l.late[made] {
			return fmt.Errorf("replaces %q after what was put there, which may be elsewhere: %w", made, errOdd)
		}
		delete(l.made, made)
	}
	return removeAt(at)
}

// folder makes a folder; one that is there keeps what is in it.
func (l *lower) folder(name string, n *tree.Node) error {
	old, there := l.made[name]
	if there && old == nil {
		if err := l.drop(name); err != nil {
			return err
		}
		there = false
		// What it replaced had replaced what is below.
		l.hidden = append(l.hidden, tree.Change{Op: tree.Clear, Name: name})
	}
	if there && old == implied && name != "." {
		l.late[name] = true
	}
	if !there {
		dir, _ := split(name)
		if err := l.parents(dir); err != nil {
			return err
		}
		if err := l.w.mkdir(name); err != nil {
			return err
		}
	}
	l.made[name] = n
	return nil
}

// parents makes the folders that the layer does not have itself.
func (l *lower) parents(dir string) error {
	n, there := l.made[dir]
	switch {
	case there && n == nil:
		return fmt.Errorf("below %q, which is no folder: %w", dir, errOdd)
	case there:
		return nil
	}
	up, _ := split(dir)
	if err := l.parents(up); err != nil {
		return err
	}
	l.made[dir] = implied
	return l.w.mkdir(dir)
}

// settle waits for the files under way and makes the links that wait.
func (l *lower) settle() error {
	if err := l.w.wait(); err != nil {
		return err
	}
	links := l.links
	l.links = nil
	clear(l.waiting)
	for _, c := range links {
		if err := l.link(c); err != nil {
			return fmt.Errorf("layer entry %q: hard link to %q: %w", c.Name, c.Target, err)
		}
	}
	return nil
}

// link makes a hard link.
func (l *lower) link(c tree.Change) error {
	if err := tree.CheckName(c.Target); err != nil {
		return err
	}
	if n, there := l.made[c.Target]; !there || n != nil {
		return fmt.Errorf("the layer itself has no such file: %w", errOdd)
	}
	if c.Name == c.Target {
		return nil
	}
	if under(c.Target, c.Name) {
		return fmt.Errorf("it is below the name it gets: %w", errOdd)
	}
	if err := l.free(c.Name); err != nil {
		return err
	}
	l.made[c.Name] = nil
	return l.w.link(c.Name, c.Target)
}

// finish makes what had to wait: links, then whiteouts, then what folders look
// like, for all the rest changes their times.
func (l *lower) finish() error {
	if err := l.settle(); err != nil {
		return err
	}
	slices.SortStableFunc(l.hidden, func(a, b tree.Change) int { return tree.Compare(a.Name, b.Name) })
	for _, c := range l.hidden {
		if err := l.hide(c); err != nil {
			return fmt.Errorf("whiteout of %q: %w", c.Name, err)
		}
	}
	for name, n := range l.made {
		if n == nil {
			continue
		}
		at, err := l.w.place.at(name)
		if err == nil {
			err = dressFolder(at, n, l.w.id)
		}
		if err != nil {
			return fmt.Errorf("folder %q: %w", name, err)
		}
	}
	return nil
}

// hide makes a whiteout, or an opaque folder when the layer itself has
// something of that name.
func (l *lower) hide(c tree.Change) error {
	n, there := l.made[c.Name]
	if there && n == nil || c.Name == "." {
		return nil
	}
	dir, _ := split(c.Name)
	if c.Op == tree.Clear {
		dir = c.Name
	}
	if err := l.parents(dir); errors.Is(err, errOdd) {
		above(c.Name, l.covers)
		return nil
	} else if err != nil {
		return err
	}
	at, err := l.w.place.at(c.Name)
	if err != nil {
		return err
	}
	if c.Op == tree.Clear || there {
		return makeOpaque(at)
	}
	l.made[c.Name] = nil
	return unix.Mknodat(at.fd, at.base, unix.S_IFCHR, 0)
}

// covers ends a search for the file that hides all below it already. If it
// takes the place of a link, what is to be hidden is where that leads.
func (l *lower) covers(name string) (goOn bool) {
	n, there := l.made[name]
	if !there || n != nil {
		return true
	}
	l.late[name] = true
	return false
}

// makeOpaque marks a folder so that what is below it is not seen.
func makeOpaque(at spot) error {
	fd, err := openat(at.fd, at.base, openFolder, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fsetxattr(fd, opaque, []byte("y"), 0)
}

// about says what the folder does not tell.
func (l *lower) about() *about {
	a, frame, holed := &about{}, map[string]bool{}, map[string]bool{}
	for name, n := range l.made {
		frame[name] = n == implied
		l.late[name] = l.late[name] || n == implied
	}
	for _, c := range l.hidden {
		dir, _ := split(c.Name)
		a.Whole = a.Whole || c.Op == tree.Clear && c.Name == "."
		holed[dir] = holed[dir] || c.Op == tree.Remove && l.made[dir] != nil
		if c.Op == tree.Remove {
			delete(l.late, c.Name)
		}
	}
	a.Frame, a.Holed, a.Unsure = sorted(frame), sorted(holed), sorted(l.late)
	return a
}
