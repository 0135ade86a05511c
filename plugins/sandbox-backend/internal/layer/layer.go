// SPDX-License-Identifier: Apache-2.0

// Package layer reads and writes layers: tars that say how a tree changes
// (OCI image-spec, layer.md).
package layer

import (
	"io"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Layer is a layer as data: its changes, and where in its tar their content
// is.
type Layer struct {
	// Digest is that of the uncompressed tar, "sha256:…".
	Digest string
	// Size is that of the uncompressed tar in bytes.
	Size int64
	// Changes are its entries in the order of the tar.
	Changes []tree.Change

	// kept has the bytes of the few files that are read often, by their
	// offset: a compressed layer need not be read up to them.
	kept map[int64]string
}

// Entry is a change to be written.
type Entry struct {
	tree.Change
	// Open returns the bytes of a File: exactly Node.Size. Nil for all others
	// and for an empty file.
	Open func() (io.ReadCloser, error)
}
