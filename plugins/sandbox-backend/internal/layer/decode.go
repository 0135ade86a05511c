// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// errIndex says that an index is not to be used.
var errIndex = errors.New("the index of the layer is damaged or of another version")

// Decode returns the layer that Encode made bytes of. Bytes that are damaged,
// or of another version, are an error: the index is then made again from the
// tar. What is decoded shares one copy of the bytes.
func Decode(data []byte) (*Layer, error) {
	body := len(data) - sha256.Size
	if body < len(magic)+1 || string(data[:len(magic)]) != magic || data[len(magic)] != version {
		return nil, errIndex
	}
	if sha256.Sum256(data[:body]) != [sha256.Size]byte(data[body:]) {
		return nil, errIndex
	}
	d := decoder{in: string(data[len(magic)+1 : body])}
	l := d.layer()
	if d.bad || d.in != "" {
		return nil, errIndex
	}
	return l, nil
}

// decoder takes values from the front of a string. After the first that is bad
// all are zero.
type decoder struct {
	in  string
	bad bool
	// nodes is room for all nodes, and digests has the digests of all files one
	// after the other: two allocations in place of many thousands.
	nodes   []tree.Node
	digests []byte
}

// prefix begins each digest; digestLen is the length of one.
const (
	prefix    = "sha256:"
	digestLen = len(prefix) + 2*sha256.Size
)

// layer takes the body of an index.
func (d *decoder) layer() *Layer {
	l := &Layer{Digest: prefix + hex.EncodeToString([]byte(d.take(sha256.Size))), Size: int64(d.number(math.MaxInt64))}
	changes, nodes, files := d.count(), d.count(), d.count()
	if changes > 0 {
		l.Changes = make([]tree.Change, 0, changes)
	}
	d.nodes, d.digests = make([]tree.Node, 0, nodes), make([]byte, 0, files*digestLen)
	for range changes {
		l.Changes = append(l.Changes, d.change())
	}
	for range d.count() {
		offset := int64(d.number(math.MaxInt64))
		l.keep(offset, d.string())
	}
	d.bad = d.bad || len(d.nodes) != nodes || len(d.digests) != files*digestLen
	if !d.bad {
		d.contents(l)
	}
	return l
}

// contents gives the files what is the same for all, and their digests.
func (d *decoder) contents(l *Layer) {
	digests := string(d.digests)
	for i := range d.nodes {
		if n := &d.nodes[i]; n.Kind == tree.File {
			n.Content.Layer, n.Content.Digest = l.Digest, digests[:digestLen]
			digests = digests[digestLen:]
		}
	}
}

// change takes a change.
func (d *decoder) change() tree.Change {
	c := tree.Change{Op: tree.Op(d.number(uint64(tree.Clear))), Name: d.string()}
	switch c.Op {
	case tree.Link:
		c.Target = d.string()
	case tree.Put:
		c.Node = d.node()
	}
	return c
}

// node takes a file. Its digest follows later.
func (d *decoder) node() *tree.Node {
	if len(d.nodes) == cap(d.nodes) {
		d.fail()
		return nil
	}
	d.nodes = append(d.nodes, tree.Node{})
	n := &d.nodes[len(d.nodes)-1]
	n.Kind = tree.Kind(d.number(uint64(tree.Fifo)))
	n.Mode = uint32(d.number(0o7777))
	n.UID, n.GID = uint32(d.number(math.MaxUint32)), uint32(d.number(math.MaxUint32))
	seconds := d.signed()
	n.ModTime = time.Unix(seconds, int64(d.number(1e9-1))).UTC()
	n.Xattrs = d.xattrs()
	switch n.Kind {
	case tree.File:
		n.Size, n.Content.Offset = int64(d.number(math.MaxInt64)), int64(d.number(math.MaxInt64))
		d.digests = hex.AppendEncode(append(d.digests, prefix...), []byte(d.take(sha256.Size)))
	case tree.Symlink:
		n.Target = d.string()
	case tree.CharDevice, tree.BlockDevice:
		n.Major, n.Minor = uint32(d.number(math.MaxUint32)), uint32(d.number(math.MaxUint32))
	}
	return n
}

// xattrs takes extended attributes.
func (d *decoder) xattrs() map[string]string {
	n := d.count()
	if n == 0 {
		return nil
	}
	x := make(map[string]string, n)
	for range n {
		name := d.string()
		x[name] = d.string()
	}
	return x
}

// fail notes that the input is bad.
func (d *decoder) fail() { d.in, d.bad = "", true }

// take takes n bytes.
func (d *decoder) take(n int) string {
	if n > len(d.in) {
		d.fail()
		return ""
	}
	out := d.in[:n]
	d.in = d.in[n:]
	return out
}

// string takes a string.
func (d *decoder) string() string { return d.take(d.count()) }

// count takes the number of things that follow, each of which has at least a
// byte.
func (d *decoder) count() int {
	return int(d.number(uint64(len(d.in))))
}

// number takes a number.
func (d *decoder) number(most uint64) uint64 {
	var n uint64
	for i := range min(len(d.in), binary.MaxVarintLen64) {
		c := d.in[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.in = d.in[i+1:]
			if n > most {
				d.fail()
				return 0
			}
			return n
		}
	}
	d.fail()
	return 0
}

// signed takes a number that may be negative, in the encoding of
// binary.AppendVarint.
func (d *decoder) signed() int64 {
	n := d.number(math.MaxUint64)
	return int64(n>>1) ^ -int64(n&1)
}
