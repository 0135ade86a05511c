// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// limits are what a layer may cost: in memory, by its entries and by the bytes
// of its names, links and extended attributes; in time, by its sparse files.
type limits struct {
	entries, text int
	sparse        int64
}

// sane is more than any image has and less than a gigabyte of memory.
var sane = limits{entries: 2 << 20, text: 256 << 20, sparse: maxSparse}

// keep are the files that are read for nearly each step, and how large they
// may be for their bytes to be kept with the index.
var keep = map[string]bool{"etc/passwd": true, "etc/group": true}

const maxKept = 1 << 20

// Index reads the tar of a layer, uncompressed and to its end, and returns it
// as data with the digest of each file. r is read in a goroutine of its own, so
// that decompressing and digesting each have a processor; it is not read any
// more when Index returns.
//
// An entry that no container runtime would unpack is an error that names it;
// so is one that would make the index larger than some hundred megabytes.
func Index(r io.Reader) (*Layer, error) { return index(r, sane) }

// index is Index with other limits.
func index(r io.Reader, most limits) (*Layer, error) {
	ahead := readAhead(r)
	defer ahead.stop()
	whole := sha256.New()
	x := indexer{scanner: newScanner(io.TeeReader(ahead, whole)), digest: sha256.New(), most: most}
	x.sparse = most.sparse
	if err := x.all(); err != nil {
		return nil, err
	}
	// What follows the end of the tar is part of the layer's digest.
	if _, err := io.CopyBuffer(io.Discard, onlyReader{x.in}, x.buf); err != nil {
		return nil, fmt.Errorf("reading the layer at byte %d: %w", x.in.n, err)
	}
	x.layer.finish(whole, x.in.n)
	return &x.layer, nil
}

// indexer makes a layer of a tar.
type indexer struct {
	*scanner
	layer  Layer
	digest hash.Hash
	most   limits
	text   int
}

// all reads all changes.
func (x *indexer) all() error {
	for {
		c, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = x.fits(c)
		}
		if err == nil && c.Node != nil && c.Node.Kind == tree.File {
			err = x.file(c)
		}
		if err != nil {
			return err
		}
		x.layer.Changes = append(x.layer.Changes, c)
	}
}

// fits refuses a change that makes the layer too large.
func (x *indexer) fits(c tree.Change) error {
	x.text += len(c.Name) + len(c.Target)
	if c.Node != nil {
		x.text += len(c.Node.Target)
		for name, value := range c.Node.Xattrs {
			x.text += len(name) + len(value)
		}
	}
	switch {
	case len(x.layer.Changes) >= x.most.entries:
		return fmt.Errorf("layer entry %.300q: the layer has more than %d entries", c.Name, x.most.entries)
	case x.text > x.most.text:
		return fmt.Errorf("layer entry %.300q: the names and attributes of the layer have more than %d bytes", c.Name, x.most.text)
	}
	return nil
}

// file digests the bytes of a file.
func (x *indexer) file(c tree.Change) error {
	x.digest.Reset()
	var kept []byte
	var w io.Writer = x.digest
	if keep[c.Name] && c.Node.Size <= maxKept {
		w = io.MultiWriter(w, appender{&kept})
	}
	n, err := io.CopyBuffer(onlyWriter{w}, onlyReader{x.tr}, x.buf)
	if err == nil && n != c.Node.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fmt.Errorf("layer entry %.300q: reading: %w", c.Name, err)
	}
	c.Node.Content = tree.Content{Offset: x.offset, Digest: digest(x.digest)}
	if kept != nil {
		x.layer.keep(x.offset, string(kept))
	}
	return nil
}

// keep keeps the bytes of a file.
func (l *Layer) keep(offset int64, data string) {
	if l.kept == nil {
		l.kept = map[int64]string{}
	}
	l.kept[offset] = data
}

// finish fills in what is only known at the end of the tar.
func (l *Layer) finish(whole hash.Hash, size int64) {
	l.Digest, l.Size = digest(whole), size
	for i := range l.Changes {
		if n := l.Changes[i].Node; n != nil && n.Kind == tree.File {
			n.Content.Layer = l.Digest
		}
	}
}

// digest returns the digest that a hash has.
func digest(h hash.Hash) string {
	var sum [sha256.Size]byte
	return "sha256:" + hex.EncodeToString(h.Sum(sum[:0]))
}

// appender appends what is written.
type appender struct{ data *[]byte }

func (a appender) Write(p []byte) (int, error) {
	*a.data = append(*a.data, p...)
	return len(p), nil
}

// onlyWriter hides the other methods of a writer.
type onlyWriter struct{ io.Writer }
