// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"errors"
	"io"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

var errSoon = errors.New("not written yet")

// Write writes the tar of a layer.
func Write(w io.Writer, entries []Entry) (*Layer, error) { return nil, errSoon }

// Index reads the tar of a layer.
func Index(r io.Reader) (*Layer, error) { return nil, errSoon }

// WithParents adds the folders above each entry, as t has them.
func WithParents(entries []Entry, t *tree.Tree) []Entry { return entries }

// Open returns the bytes of a file of this layer.
func (s Source) Open(n *tree.Node) (io.ReadCloser, error) { return nil, errSoon }

// Each calls fn for each change of the layer in order; content has the bytes
// of a File that is put.
func (s Source) Each(fn func(c tree.Change, content io.Reader) error) error { return errSoon }
