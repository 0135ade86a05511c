// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"maps"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// inherit gives new files the owners that the disk cannot have, where it has those
// of one user: a file that was moved keeps the owner of before, and one made in a
// folder with setgid has the group of the folder (mkdir(2), open(2)). Elsewhere
// the kernel has done so.
func (d *diff) inherit() error {
	if !d.id.single() {
		return nil
	}
	moved, err := d.moved()
	if err != nil {
		return err
	}
	for _, name := range d.order {
		f := d.found[name]
		if !d.made(f) {
			continue
		}
		if from := moved[name]; from != nil {
			d.restore(f.node, from)
			continue
		}
		dir, _ := split(name)
		above := d.found[dir]
		if above == nil || above.node == nil || above.node.Mode&0o2000 == 0 {
			continue
		}
		if _, gid := d.id.disk(0, above.node.GID); f.node.GID == gid {
			f.node.GID = above.node.GID
		}
	}
	return nil
}

// made says whether a file is where none of its kind was before.
func (d *diff) made(f *found) bool {
	old := d.nodes[f.name]
	return f.node != nil && d.stubs[f.name] == nil && (old == nil || old.Kind != f.node.Kind)
}

// look is what a file that is moved keeps, but for its owner and its bytes.
type look struct {
	kind   tree.Kind
	mode   uint32
	sec    int64
	size   int64
	target string
}

func looks(n *tree.Node) look {
	sec, _ := diskTime(n.ModTime)
	return look{n.Kind, n.Mode, sec, n.Size, n.Target}
}

// moved returns what each new file was, when it looks in all like one that is
// gone, or like several of one owner. A file that was copied with its time and then
// removed is moved, too: it is what mv does between file systems.
func (d *diff) moved() (map[string]*tree.Node, error) {
	if !slices.ContainsFunc(d.order, func(name string) bool { return d.made(d.found[name]) }) {
		return nil, nil
	}
	gone := map[look][]*tree.Node{}
	for _, c := range d.out { // whiteouts only, yet
		if err := d.below(c.Name, c.Op == tree.Remove, gone); err != nil {
			return nil, err
		}
	}
	moved := map[string]*tree.Node{}
	for _, name := range d.order {
		f := d.found[name]
		if !d.made(f) {
			continue
		}
		was, err := d.same(f, gone[looks(f.node)])
		if err != nil {
			return nil, err
		}
		if len(was) > 0 && !slices.ContainsFunc(was, func(n *tree.Node) bool {
			return n.UID != was[0].UID || n.GID != was[0].GID || !maps.Equal(n.Xattrs, was[0].Xattrs)
		}) {
			moved[name] = was[0]
		}
	}
	return moved, nil
}

// same returns those of the files that look like this one whose bytes are its own.
func (d *diff) same(f *found, alike []*tree.Node) ([]*tree.Node, error) {
	if len(alike) == 0 || f.node.Kind != tree.File || f.node.Size == 0 {
		return alike, nil
	}
	sum, err := d.digest(f.name)
	return slices.DeleteFunc(slices.Clone(alike), func(n *tree.Node) bool { return n.Content.Digest != sum }), err
}

// below adds what the tree has below a name, and the name itself if it should.
func (d *diff) below(name string, itself bool, gone map[look][]*tree.Node) error {
	names := []string{name}
	for len(names) > 0 {
		have, err := nodes(d.before, names)
		if err != nil {
			return err
		}
		var next []string
		for _, at := range names {
			n := have[at]
			if n != nil && (itself || at != name) {
				gone[looks(n)] = append(gone[looks(n)], n)
			}
			if n == nil || n.Kind != tree.Dir {
				continue
			}
			bases, err := d.before.Names(at)
			if err != nil {
				return err
			}
			for _, base := range bases {
				next = append(next, join(at, base))
			}
		}
		names = next
	}
	return nil
}
