// SPDX-License-Identifier: Apache-2.0

// Package rootfs makes one file system of the layers of an image, as a tar or a
// folder. Whiteouts and opaque folders (image-spec, layer.md) take away what
// lower layers have. The same layers make the same tar, byte for byte.
//
// Layers are read twice and nothing of them is kept but their headers: first to
// know which files are left, then to copy these.
package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Names of layers (image-spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// maxLinks is how many symbolic links a path may lead through, as on Linux.
const maxLinks = 40

// node is a place in the tree.
type node struct {
	// inode is what is there. Nil for a folder that no layer describes.
	inode *inode
	// layer is the uppermost that says something of this place.
	layer int
	// kids are what a folder holds. Nil for anything else.
	kids map[string]*node
}

// inode is a file or folder; hard links share a file.
type inode struct {
	header *tar.Header
	// names are all the places where it is in the end, sorted. Only files have
	// them.
	names []string
}

func newFolder(layer int) *node { return &node{layer: layer, kids: map[string]*node{}} }

// tree is a file system that grows layer by layer.
type tree struct {
	root *node
	// plain says that no name means a whiteout.
	plain bool
	// room is how many bytes of headers a plain one may still keep.
	room int
}

// maxHeaders bounds the headers of a plain tree in memory, in bytes: some million
// files.
const maxHeaders = 1 << 30

// weigh takes the room of a header.
func (t *tree) weigh(h *tar.Header) error {
	const least = 512
	t.room -= least + len(h.Name) + len(h.Linkname)
	for key, value := range h.PAXRecords {
		t.room -= len(key) + len(value)
	}
	if t.plain && t.room < 0 {
		return errors.New("the tar has too many files, or names and attributes that are too long")
	}
	return nil
}

// add puts an entry of a layer into the tree. It returns the inode when the
// entry brings a new one.
func (t *tree) add(h *tar.Header, layer int) (*inode, error) {
	if err := t.weigh(h); err != nil {
		return nil, err
	}
	dir, base := path.Split(clean(h.Name))
	parent, err := t.folder(dir, layer)
	if err != nil {
		return nil, err
	}
	switch {
	case base == "": // the root itself
		parent.inode = &inode{header: h}
		return parent.inode, nil
	case !t.plain && base == opaque:
		parent.prune(layer)
		return nil, nil
	case !t.plain && strings.HasPrefix(base, whiteout):
		parent.remove(strings.TrimPrefix(base, whiteout), layer)
		return nil, nil
	case h.Typeflag == tar.TypeLink:
		target, err := t.find(h.Linkname)
		if err != nil {
			return nil, err
		}
		parent.kids[base] = &node{inode: target, layer: layer}
		return nil, nil
	}
	if sparse(h) {
		// A few bytes can claim holes of any size.
		return nil, fmt.Errorf("the tar has %s as a sparse file, which is not unpacked", clean(h.Name))
	}
	if !slices.Contains(kinds, h.Typeflag) {
		return nil, fmt.Errorf("the tar has %s of the unknown kind %q", clean(h.Name), h.Typeflag)
	}
	in := &inode{header: h}
	parent.put(base, in, layer)
	return in, nil
}

// kinds are the kinds of file that an image can have.
var kinds = []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo}

func sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// put places an inode; a folder keeps what is in the one it replaces.
func (n *node) put(base string, in *inode, layer int) {
	old := n.kids[base]
	switch {
	case in.header.Typeflag != tar.TypeDir:
		n.kids[base] = &node{inode: in, layer: layer}
	case old == nil || old.kids == nil:
		n.kids[base] = newFolder(layer)
		n.kids[base].inode = in
	default:
		old.inode, old.layer = in, layer
	}
}

// remove takes away what lower layers have at a name.
func (n *node) remove(base string, layer int) {
	kid := n.kids[base]
	switch {
	case kid == nil:
	case kid.layer < layer:
		delete(n.kids, base)
	default:
		kid.prune(layer)
	}
}

// prune takes away what lower layers have in a folder.
func (n *node) prune(layer int) {
	for base := range n.kids {
		n.remove(base, layer)
	}
}

// clean makes a path of a layer absolute; it cannot leave the root.
func clean(name string) string { return path.Clean("/" + name) }

// folder returns the folder at a path, through symbolic links, and makes those
// that are missing.
func (t *tree) folder(dir string, layer int) (*node, error) {
	at, here, rest, links := t.root, "/", parts(dir), 0
	for len(rest) > 0 {
		base := rest[0]
		rest = rest[1:]
		kid := at.kids[base]
		switch {
		case kid == nil:
			kid = newFolder(layer)
			at.kids[base] = kid
		case kid.kids != nil:
			kid.layer = max(kid.layer, layer)
		case kid.inode.header.Typeflag == tar.TypeSymlink && links < maxLinks:
			links++
			rest = slices.Concat(parts(beside(here, kid.inode.header.Linkname)), rest)
			at, here = t.root, "/"
			continue
		default:
			return nil, fmt.Errorf("the tar has %s, and %s is no folder", clean(dir), path.Join(here, base))
		}
		at, here = kid, path.Join(here, base)
	}
	return at, nil
}

// parts are the names in a path.
func parts(name string) []string {
	return slices.DeleteFunc(strings.Split(clean(name), "/"), func(s string) bool { return s == "" })
}

// beside is where a link in a folder leads to.
func beside(dir, link string) string {
	if path.IsAbs(link) {
		return clean(link)
	}
	return clean(dir + "/" + link)
}

// find returns the file that a hard link names.
func (t *tree) find(name string) (*inode, error) {
	dir, base := path.Split(clean(name))
	parent, err := t.folder(dir, 0)
	if err != nil {
		return nil, err
	}
	if kid := parent.kids[base]; kid != nil && kid.kids == nil {
		return kid.inode, nil
	}
	return nil, fmt.Errorf("the tar has a hard link to %s, which is no file", clean(name))
}

// walk calls a function for everything in a folder, in the order of names,
// folders before what they hold.
func (n *node) walk(at string, see func(name string, n *node)) {
	for _, base := range slices.Sorted(maps.Keys(n.kids)) {
		name, kid := path.Join(at, base), n.kids[base]
		see(name, kid)
		kid.walk(name, see)
	}
}
