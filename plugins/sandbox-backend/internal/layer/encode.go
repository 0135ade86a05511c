// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// An encoded index is: magic, version, the body, and the SHA-256 of all that.
// The body is the digest and size of the layer; the number of changes, of
// files and of nodes that follow; the changes; the kept files. Numbers are
// varints, strings have their length before them, digests are 32 bytes.
const (
	magic   = "zlayer index"
	version = 1
)

// Encode returns the layer as bytes, for Decode.
func (l *Layer) Encode() []byte {
	e := encoder{buf: make([]byte, 0, 64+128*len(l.Changes))}
	e.buf = append(e.buf, magic...)
	e.buf = append(e.buf, version)
	e.digest(l.Digest)
	e.number(uint64(l.Size))
	nodes, files := 0, 0
	for _, c := range l.Changes {
		if c.Node != nil {
			nodes++
		}
		if isFile(c) {
			files++
		}
	}
	e.number(uint64(len(l.Changes)))
	e.number(uint64(nodes))
	e.number(uint64(files))
	for _, c := range l.Changes {
		e.change(c)
	}
	e.number(uint64(len(l.kept)))
	for _, offset := range slices.Sorted(maps.Keys(l.kept)) {
		e.number(uint64(offset))
		e.text(l.kept[offset])
	}
	sum := sha256.Sum256(e.buf)
	return append(e.buf, sum[:]...)
}

// isFile reports whether a change puts a file with bytes.
func isFile(c tree.Change) bool { return c.Node != nil && c.Node.Kind == tree.File }

// encoder appends values.
type encoder struct{ buf []byte }

func (e *encoder) number(n uint64) { e.buf = binary.AppendUvarint(e.buf, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

// digest appends a "sha256:…"; all digests of layers are.
func (e *encoder) digest(s string) {
	var sum [sha256.Size]byte
	if len(s) == len("sha256:")+2*sha256.Size {
		_, _ = hex.Decode(sum[:], []byte(s[len("sha256:"):]))
	}
	e.buf = append(e.buf, sum[:]...)
}

// change appends a change.
func (e *encoder) change(c tree.Change) {
	e.buf = append(e.buf, byte(c.Op))
	e.text(c.Name)
	switch c.Op {
	case tree.Link:
		e.text(c.Target)
	case tree.Put:
		e.node(c.Node)
	}
}

// node appends a file.
func (e *encoder) node(n *tree.Node) {
	e.buf = append(e.buf, byte(n.Kind))
	e.number(uint64(n.Mode))
	e.number(uint64(n.UID))
	e.number(uint64(n.GID))
	e.buf = binary.AppendVarint(e.buf, n.ModTime.Unix())
	e.number(uint64(n.ModTime.Nanosecond()))
	e.number(uint64(len(n.Xattrs)))
	if len(n.Xattrs) > 0 {
		for _, name := range slices.Sorted(maps.Keys(n.Xattrs)) {
			e.text(name)
			e.text(n.Xattrs[name])
		}
	}
	switch n.Kind {
	case tree.File:
		e.number(uint64(n.Size))
		e.number(uint64(n.Content.Offset))
		e.digest(n.Content.Digest)
	case tree.Symlink:
		e.text(n.Target)
	case tree.CharDevice, tree.BlockDevice:
		e.number(uint64(n.Major))
		e.number(uint64(n.Minor))
	}
}
