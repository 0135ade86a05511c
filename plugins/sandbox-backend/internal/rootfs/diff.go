// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// diff works out how a tree changed. What it gives depends on the tree before
// and on the files found alone, not on the way they were found: overlay and
// copy give the same.
type diff struct {
	before Before
	stubs  stubs
	id     ids
	// whole says that hard links on disk are all there are. In an overlay those
	// that were not touched are not seen.
	whole bool
	// digest returns the digest of a file's bytes.
	digest func(name string) (string, error)

	found map[string]*found
	// order are the names found, as a walk meets them.
	order []string
	nodes map[string]*tree.Node
	// changed are the names found whose file is another one than before.
	changed map[string]bool
	out     []tree.Change
	// plain says that a folder of the changes alone would look as what was
	// found does.
	plain bool
}

// run returns the changes, sorted, with the folders above each: what unpacks a
// layer without them would make them up.
func (d *diff) run(all []found) error {
	d.found, d.changed = map[string]*found{}, map[string]bool{}
	slices.SortFunc(all, func(a, b found) int { return tree.Compare(a.name, b.name) })
	for i := range all {
		d.found[all[i].name] = &all[i]
		d.order = append(d.order, all[i].name)
	}
	var err error
	if d.nodes, err = nodes(d.before, d.order); err != nil {
		return err
	}
	if err := d.gone(); err != nil {
		return err
	}
	for _, name := range d.order {
		if d.changed[name], err = d.differs(d.found[name]); err != nil {
			return err
		}
	}
	if err := d.inherit(); err != nil {
		return err
	}
	d.files(d.groups())
	if err := d.parents(); err != nil {
		return err
	}
	slices.SortFunc(d.out, func(a, b tree.Change) int {
		return cmp.Or(tree.Compare(a.Name, b.Name), cmp.Compare(a.Op, b.Op))
	})
	return nil
}

// gone adds the whiteouts. A folder of which nothing is left gets one for all.
func (d *diff) gone() error {
	lost := map[string][]string{}
	for _, name := range d.order {
		f := d.found[name]
		if f.node == nil && d.nodes[name] != nil {
			dir, base := split(name)
			lost[dir] = append(lost[dir], base)
		}
		if f.node == nil && d.nodes[name] == nil {
			d.plain = false
		}
	}
	fresh, err := d.fresh()
	if err != nil {
		return err
	}
	maps.Copy(lost, fresh)
	for dir, bases := range lost {
		if err := d.lose(dir, bases); err != nil {
			return err
		}
	}
	return nil
}

// fresh returns, for each folder that hides what the tree has in it, what of
// that is not there any more. Folders in it hide as much.
func (d *diff) fresh() (map[string][]string, error) {
	lost, hidden := map[string][]string{}, map[string]bool{}
	for _, name := range d.order {
		f := d.found[name]
		dir, _ := split(name)
		if f.node == nil || f.node.Kind != tree.Dir || !f.fresh && (name == "." || !hidden[dir]) {
			continue
		}
		if n := d.nodes[name]; n == nil || n.Kind != tree.Dir {
			continue
		}
		hidden[name] = true
		bases, err := d.before.Names(name)
		if err != nil {
			return nil, err
		}
		lost[name] = nil
		for _, base := range bases {
			if f := d.found[join(name, base)]; f == nil || f.node == nil {
				lost[name] = append(lost[name], base)
			}
		}
		d.plain = d.plain && f.fresh && len(bases) > 1 && len(lost[name]) == len(bases)
	}
	return lost, nil
}

// lose adds the whiteouts of what a folder has lost.
func (d *diff) lose(dir string, bases []string) error {
	if len(bases) > 1 {
		had, err := d.before.Names(dir)
		if err != nil {
			return err
		}
		if len(had) == len(bases) && dir != "." {
			d.out = append(d.out, tree.Change{Op: tree.Clear, Name: dir})
			d.plain = d.plain && d.found[dir] != nil && d.found[dir].fresh
			return nil
		}
	}
	for _, base := range bases {
		d.out = append(d.out, tree.Change{Op: tree.Remove, Name: join(dir, base)})
	}
	return nil
}

// differs says whether a file is another one than before. On the way its owner
// and attributes become those a layer has.
func (d *diff) differs(f *found) (bool, error) {
	if f.node == nil {
		return false, nil
	}
	old := d.nodes[f.name]
	if f.strange {
		d.plain = false
	}
	if s := d.stubs[f.name]; s != nil && s.Kind == f.node.Kind {
		d.plain = false
		return !alike(f.node, s), nil
	}
	if old == nil || old.Kind != f.node.Kind {
		return true, nil
	}
	if f.name == "." {
		f.node.ModTime = old.ModTime // changes with whatever is made in it
	}
	d.restore(f.node, old)
	if !alike(f.node, old) {
		return true, nil
	}
	if f.node.Kind != tree.File || f.node.Size == 0 {
		return false, nil
	}
	sum, err := d.digest(f.name)
	return sum != old.Content.Digest, err
}

// restore gives a file what the tree knows of it and the disk cannot: owners
// that are not mapped and attributes that are not kept on disk.
func (d *diff) restore(n, old *tree.Node) {
	uid, gid := d.id.disk(old.UID, old.GID)
	if n.UID == uid {
		n.UID = old.UID
	}
	if n.GID == gid {
		n.GID = old.GID
	}
	for name, value := range old.Xattrs {
		if kept(name) {
			continue
		}
		if n.Xattrs == nil {
			n.Xattrs = map[string]string{}
		}
		n.Xattrs[name] = value
	}
}

// alike says that two files of one kind look the same but for their bytes.
// Layers have whole seconds.
func alike(a, b *tree.Node) bool {
	sec, _ := diskTime(a.ModTime)
	was, _ := diskTime(b.ModTime)
	return a.UID == b.UID && a.GID == b.GID && sec == was && a.Size == b.Size && a.Target == b.Target &&
		(a.Mode == b.Mode || a.Kind == tree.Symlink) && a.Major == b.Major && a.Minor == b.Minor && maps.Equal(a.Xattrs, b.Xattrs)
}

// inode is the identity of a file with several names.
type inode struct{ dev, ino uint64 }

// groups returns the names of each file that has several, sorted. Where the
// names that share it are others than before, all of them have changed; where
// one has, the others have too, for a layer that has a link must have the file.
func (d *diff) groups() map[inode][]string {
	groups := map[inode][]string{}
	for _, name := range d.order {
		if f := d.found[name]; f.ino != 0 {
			groups[inode{f.dev, f.ino}] = append(groups[inode{f.dev, f.ino}], name)
		}
	}
	if d.whole {
		d.parted()
	}
	for _, names := range groups {
		first := d.nodes[names[0]]
		changed := false
		for _, name := range names {
			old := d.nodes[name]
			changed = changed || d.changed[name] || old == nil || first == nil || !sharing(first, old)
		}
		for _, name := range names {
			d.changed[name] = changed
		}
	}
	return groups
}

// parted marks files that shared their bytes with another name before, and do
// not any more.
func (d *diff) parted() {
	first := map[tree.Content]*found{}
	for _, name := range d.order {
		f, old := d.found[name], d.nodes[name]
		if d.changed[name] || f.node == nil || old == nil || old.Kind != tree.File {
			continue
		}
		switch was := first[old.Content]; {
		case was == nil:
			first[old.Content] = f
		case was.dev != f.dev || was.ino != f.ino || f.ino == 0:
			d.changed[name] = true
		}
	}
}

// files adds the files that have changed, and links.
func (d *diff) files(groups map[inode][]string) {
	for _, name := range d.order {
		f := d.found[name]
		switch {
		case !d.changed[name]:
			d.plain = d.plain && (f.node == nil || f.node.Kind == tree.Dir)
			continue
		case f.ino != 0 && groups[inode{f.dev, f.ino}][0] != name:
			first := groups[inode{f.dev, f.ino}][0]
			d.out = append(d.out, tree.Change{Op: tree.Link, Name: name, Target: first})
			continue
		}
		d.out = append(d.out, tree.Change{Op: tree.Put, Name: name, Node: f.node})
	}
}

// parents adds the folders above each change, but for the root.
func (d *diff) parents() error {
	put, missing := map[string]bool{".": true}, []string(nil)
	for _, c := range d.out {
		put[c.Name] = put[c.Name] || c.Op == tree.Put
	}
	add := func(dir string) bool {
		if put[dir] {
			return false
		}
		put[dir] = true
		if f := d.found[dir]; f != nil && f.node != nil {
			d.out = append(d.out, tree.Change{Op: tree.Put, Name: dir, Node: f.node})
		} else {
			missing = append(missing, dir)
		}
		return true
	}
	for _, c := range slices.Clone(d.out) {
		if c.Op == tree.Clear {
			add(c.Name)
		}
		above(c.Name, add)
	}
	have, err := nodes(d.before, missing)
	if err != nil {
		return err
	}
	for _, dir := range missing {
		if s := d.stubs[dir]; s != nil {
			have[dir] = s
		}
		if have[dir] == nil {
			return fmt.Errorf("the tree has lost the folder %q", dir)
		}
		d.out = append(d.out, tree.Change{Op: tree.Put, Name: dir, Node: have[dir]})
	}
	return nil
}
