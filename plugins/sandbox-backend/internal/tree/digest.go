// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"sort"
)

// summary is what Digest needs to know of a folder. Folders that trees share
// share it too, so that the digest of a large tree costs little once it was
// made for the tree below.
type summary struct {
	// sum covers all that is in the folder, but not which names share a file.
	sum [sha256.Size]byte
	// linked are the names below the folder that may share a file with others.
	linked []linkedName
}

// linkedName is a name, relative to a folder, that may be a hard link.
type linkedName struct {
	name string
	node *Node
}

// Digest returns the digest of what a step that reads the given subtrees
// depends on: their names, kinds, modes, owners, links, which names share a
// file, extended attributes and content. Times are not in it. The names are
// real ones; the order in which they are given counts.
func (t *Tree) Digest(names ...string) (string, error) {
	h := newHasher()
	var linked []linkedName
	for _, name := range names {
		e, err := t.find(name)
		if err != nil {
			return "", err
		}
		h.entry(name, e)
		linked = append(linked, e.links(name)...)
	}
	h.groups(linked)
	return "sha256:" + hex.EncodeToString(h.h.Sum(nil)), nil
}

// links returns the names of the entry and below it that may share a file.
func (e entry) links(name string) []linkedName {
	if e.below == nil {
		if e.linked {
			return []linkedName{{name, e.node}}
		}
		return nil
	}
	below := e.below.summary().linked
	out := make([]linkedName, len(below))
	for i, l := range below {
		out[i] = linkedName{name + "/" + l.name, l.node}
	}
	return out
}

// summary returns the summary of the folder.
func (d *dir) summary() *summary {
	if s := d.sum.Load(); s != nil {
		return s
	}
	s, h := &summary{}, newHasher()
	for _, base := range d.sorted() {
		e := d.names[base]
		h.entry(base, e)
		s.linked = append(s.linked, e.links(base)...)
	}
	h.h.Sum(s.sum[:0])
	d.sum.Store(s)
	return s
}

// hasher digests values so that no two sequences look alike.
type hasher struct {
	h   hash.Hash
	buf []byte
}

func newHasher() *hasher { return &hasher{h: sha256.New()} }

// entry digests a file and all below it.
func (h *hasher) entry(name string, e entry) {
	n := e.node
	h.buf = h.buf[:0]
	h.text(name)
	for _, v := range []uint64{uint64(n.Kind), uint64(n.Mode), uint64(n.UID), uint64(n.GID), uint64(n.Size), uint64(n.Major), uint64(n.Minor)} {
		h.buf = binary.AppendUvarint(h.buf, v)
	}
	h.text(n.Target)
	h.xattrs(n.Xattrs)
	if n.Kind == File && n.Size > 0 {
		h.text(n.Content.Digest)
	}
	if e.below != nil {
		h.buf = append(h.buf, e.below.summary().sum[:]...)
	}
	h.h.Write(h.buf)
}

// text appends a string with its length before it.
func (h *hasher) text(s string) {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(s)))
	h.buf = append(h.buf, s...)
}

// xattrs appends extended attributes.
func (h *hasher) xattrs(x map[string]string) {
	h.buf = binary.AppendUvarint(h.buf, uint64(len(x)))
	if len(x) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(x)) {
		h.text(name)
		h.text(x[name])
	}
}

// groups digests which names share a file.
func (h *hasher) groups(linked []linkedName) {
	names := map[*Node][]string{}
	for _, l := range linked {
		names[l.node] = append(names[l.node], l.name)
	}
	var groups [][]string
	for _, g := range names {
		slices.Sort(g)
		if g = slices.Compact(g); len(g) > 1 {
			groups = append(groups, g)
		}
	}
	sort.Slice(groups, func(i, j int) bool { return groups[i][0] < groups[j][0] })
	h.h.Write(fmt.Appendf(nil, "%q", groups))
}
