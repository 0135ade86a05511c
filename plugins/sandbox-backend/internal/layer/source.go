// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/unpack"
)

// Source is a layer and the file that holds its tar.
type Source struct {
	*Layer
	// Path is the file, absolute.
	Path string
	// Compressed says that it is a blob of an image, compressed or not as its
	// first bytes tell; otherwise it is the uncompressed tar.
	Compressed bool
	// Expand makes the uncompressed tar of a compressed layer. Nil when there
	// is no place for one: then each Open reads the blob from its beginning.
	Expand *Expander
}

// Expander makes the uncompressed tar of a layer that many files are read from.
// For a few it is not worth it: as long as what is decompressed to get at them
// adds up to less than the layer, the blob will do.
type Expander struct {
	// Make makes the tar, when it is not there, and returns its path. It is
	// called for each file.
	Make func() (path string, err error)

	// skipped is how many bytes were decompressed only to get at what follows.
	skipped atomic.Int64
}

// Open returns the bytes of a file of this layer: n has the Content that the
// index of the layer gives it. A tar that is not the one of the index is an
// error.
func (s Source) Open(n *tree.Node) (io.ReadCloser, error) {
	switch {
	case n.Kind != tree.File:
		return nil, errors.New("only files have content")
	case n.Content.Layer != s.Digest:
		return nil, fmt.Errorf("the file is in layer %s, not in %s", n.Content.Layer, s.Digest)
	case n.Size == 0:
		return io.NopCloser(strings.NewReader("")), nil
	}
	if data, ok := s.kept[n.Content.Offset]; ok {
		return io.NopCloser(strings.NewReader(data)), nil
	}
	r, err := s.at(n.Content.Offset)
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", s.Digest, err)
	}
	tr := tar.NewReader(r)
	h, err := tr.Next()
	if err == nil && h.Size != n.Size {
		err = errDamaged
	}
	if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
		r.Close()
		return nil, fmt.Errorf("reading layer %s at byte %d: %w", s.Digest, n.Content.Offset, err)
	}
	return readCloser{tr, r}, nil
}

// errDamaged says that a tar is not the one that was indexed.
var errDamaged = errors.New("the file of the layer is damaged: it differs from its index")

// readCloser reads from one thing and closes another.
type readCloser struct {
	io.Reader
	io.Closer
}

// at returns the uncompressed tar from an offset on.
func (s Source) at(offset int64) (io.ReadCloser, error) {
	path := s.Path
	if s.Compressed {
		if s.Expand == nil || s.Expand.skipped.Add(offset) <= s.Size {
			return s.through(offset)
		}
		expanded, err := s.Expand.Make()
		if err != nil {
			return nil, err
		}
		path = expanded
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// through returns the uncompressed tar of a blob from an offset on, by reading
// all that is before.
func (s Source) through(offset int64) (io.ReadCloser, error) {
	r, err := s.Stream()
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, offset); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Stream returns the uncompressed tar.
func (s Source) Stream() (io.ReadCloser, error) {
	f, err := os.Open(s.Path)
	if err != nil || !s.Compressed {
		return f, err
	}
	r, err := unpack.Reader(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return readCloser{r, closers{r, f}}, nil
}

// closers closes several things.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// Each calls fn for each change of the layer, in the order of the tar, which is
// read once. The nodes are those of Changes. content has the bytes of a File
// that is put and is nil otherwise; it is good until fn returns, and need not
// be read to its end. A tar that is not the one of the index is an error.
func (s Source) Each(fn func(c tree.Change, content io.Reader) error) error {
	r, err := s.Stream()
	if err != nil {
		return fmt.Errorf("reading layer %s: %w", s.Digest, err)
	}
	defer r.Close()
	sc := newScanner(r)
	for _, c := range s.Changes {
		found, err := sc.next()
		if errors.Is(err, io.EOF) || err == nil && !same(found, c) {
			err = errDamaged
		}
		if err != nil {
			return fmt.Errorf("reading layer %s: %w", s.Digest, err)
		}
		var content io.Reader
		if c.Node != nil && c.Node.Kind == tree.File {
			content = onlyReader{sc.tr}
		}
		if err := fn(c, content); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether a change of the tar is that of the index.
func same(a, b tree.Change) bool {
	if a.Op != b.Op || a.Name != b.Name || (a.Node == nil) != (b.Node == nil) {
		return false
	}
	return a.Node == nil || a.Node.Kind == b.Node.Kind && a.Node.Size == b.Node.Size
}
