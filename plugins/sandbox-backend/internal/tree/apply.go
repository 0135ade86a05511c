// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"errors"
	"fmt"
	"syscall"
)

// maxMade bounds how many files one layer may make, the folders that it does
// not name included: a few bytes of a hostile tar could make millions of them.
const maxMade = 4 << 20

// Apply returns the tree that a layer makes of this one; this one stays as it
// is. What it costs depends on the layer and on the folders it touches, not on
// the size of the tree.
//
// Whiteouts are about the layers below only, wherever in the layer they stand
// (OCI image-spec, layer.md, "Whiteouts"), so they come first; all else is done
// in order. A name below a symbolic link is that of the place where the link
// leads, with the tree as "/", as container runtimes unpack layers; the last
// part of a name is never followed. A missing folder above a name is made, by
// the superuser, with mode 0755. A file that is no folder takes the place of
// anything with its name, and a folder that of anything but a folder.
//
// A change that cannot be made is an error that names it.
func (t *Tree) Apply(changes []Change) (*Tree, error) {
	e := &edit{below: t.root, edition: new(edition)}
	e.root = t.root.edited(e.edition)
	for i := range changes {
		if err := e.whiteout(&changes[i]); err != nil {
			return nil, fmt.Errorf("layer entry %.300q: %w", changes[i].Name, err)
		}
	}
	for i := range changes {
		if err := e.add(&changes[i]); err != nil {
			return nil, fmt.Errorf("layer entry %.300q: %w", changes[i].Name, err)
		}
	}
	return &Tree{root: e.root}, nil
}

// edit is the work of one Apply.
type edit struct {
	edition *edition
	// below is the root before, root the one that is made.
	below, root *dir
	// made counts files.
	made int
	// parent and dir are the folder that the last entry was put into and its
	// name as the layer has it: entries of one folder mostly follow each other.
	parent string
	dir    *dir
}

// whiteout makes a Remove or Clear.
func (e *edit) whiteout(c *Change) error {
	if c.Op != Remove && c.Op != Clear {
		return nil
	}
	if err := CheckName(c.Name); err != nil {
		return err
	}
	if c.Op == Remove {
		return e.remove(c.Name)
	}
	return e.clear(c.Name)
}

// remove removes a name. One that is not there is fine: other tools write such
// whiteouts.
func (e *edit) remove(name string) error {
	if name == "." {
		return errors.New("the root cannot be removed")
	}
	parent, base := split(name)
	d, err := e.existing(parent)
	if d == nil || err != nil {
		return err
	}
	delete(d.names, base)
	return nil
}

// clear removes what is in a folder.
func (e *edit) clear(name string) error {
	d, err := e.existing(name)
	if d != nil {
		clear(d.names)
	}
	return err
}

// existing returns the folder that a name leads to, ready to be changed; nil
// when there is none.
func (e *edit) existing(name string) (*dir, error) {
	f := follower{root: e.root}
	switch err := f.follow(name); {
	case errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	case f.missing || f.at().below == nil:
		return nil, nil
	}
	return e.descend(f.names)
}

// add makes a Put or Link.
func (e *edit) add(c *Change) error {
	if c.Op != Put && c.Op != Link {
		return nil
	}
	if err := CheckName(c.Name); err != nil {
		return err
	}
	if e.made++; e.made > maxMade {
		return fmt.Errorf("the layer has more than %d entries", maxMade)
	}
	if c.Op == Link {
		return e.link(c.Name, c.Target)
	}
	return e.put(c.Name, c.Node)
}

// put adds a file.
func (e *edit) put(name string, n *Node) error {
	if err := n.Check(); err != nil {
		return err
	}
	if name == "." {
		if n.Kind != Dir {
			return errors.New("the root must be a folder")
		}
		e.root.node = n
		return nil
	}
	parent, base := split(name)
	d, err := e.folder(parent)
	if err != nil {
		return err
	}
	old := d.names[base]
	switch {
	case n.Kind != Dir:
		e.replace(d, base, entry{node: n})
	case old.below != nil:
		below := old.below.edited(e.edition)
		below.node = n
		d.set(base, entry{node: n, below: below})
		e.forget()
	default:
		e.replace(d, base, entry{node: n, below: &dir{node: n, made: e.edition}})
	}
	return nil
}

// replace puts an entry in the place of what has its name.
func (e *edit) replace(d *dir, base string, next entry) {
	old := d.names[base]
	if old.node != nil && (old.below != nil || old.node.Kind == Symlink) {
		e.forget()
	}
	d.set(base, next)
}

// forget forgets the last folder: a name that leads to it may now lead
// elsewhere.
func (e *edit) forget() { e.dir = nil }

// link gives a file one more name.
func (e *edit) link(name, target string) error {
	if err := CheckName(target); err != nil {
		return fmt.Errorf("hard link to %q: %w", target, err)
	}
	n, err := e.target(target)
	if err != nil {
		return fmt.Errorf("hard link to %q: %w", target, err)
	}
	if name == "." {
		return errors.New("the root must be a folder")
	}
	parent, base := split(name)
	d, err := e.folder(parent)
	if err != nil {
		return err
	}
	e.replace(d, base, entry{node: n, linked: true})
	return nil
}

// target returns the file that a hard link is to share, and notes that it is
// shared. A file that a whiteout of the same layer removed can still be linked
// to: that is how a file that layers below have is renamed.
func (e *edit) target(name string) (*Node, error) {
	parent, base := split(name)
	d, err := e.existing(parent)
	if err != nil {
		return nil, err
	}
	var old entry
	if d != nil {
		old = d.names[base]
	}
	if old.node == nil {
		if old, err = (&Tree{root: e.below}).find(name); err != nil {
			return nil, errors.New("there is no such file")
		}
	} else if old.below == nil {
		d.names[base] = entry{node: old.node, linked: true}
	}
	if old.below != nil {
		return nil, errors.New("it is a folder")
	}
	return old.node, nil
}

// folder returns the folder that a name leads to, ready to be changed. What is
// missing on the way is made.
func (e *edit) folder(name string) (*dir, error) {
	if e.dir != nil && e.parent == name {
		return e.dir, nil
	}
	f := follower{root: e.root}
	if err := f.follow(name); err != nil {
		return nil, fmt.Errorf("folder %q: %w", name, err)
	}
	if at := f.at(); at.node != nil && at.below == nil {
		return nil, fmt.Errorf("folder %q: %w", name, syscall.ENOTDIR)
	}
	if len(f.name()) > maxName {
		return nil, fmt.Errorf("folder %q: the real name is longer than %d bytes", name, maxName)
	}
	d, err := e.descend(f.names)
	if err != nil {
		return nil, err
	}
	e.parent, e.dir = name, d
	return d, nil
}

// descend goes down from the root over real names and returns the last folder.
// Each on the way becomes one that may be changed, or is made.
func (e *edit) descend(names []string) (*dir, error) {
	d := e.root
	for _, name := range names {
		old := d.names[name]
		next := old.below
		if next == nil {
			if e.made++; e.made > maxMade {
				return nil, fmt.Errorf("the layer has more than %d entries", maxMade)
			}
			next = &dir{node: implied(), made: e.edition}
		}
		next = next.edited(e.edition)
		if next != old.below {
			d.set(name, entry{node: next.node, below: next})
		}
		d = next
	}
	return d, nil
}
