// SPDX-License-Identifier: Apache-2.0

// Package tree is a file tree as data: what the layers of an image add up to,
// with no file on disk.
//
// Trees never change. Applying a layer gives a new tree that shares with the
// old one all that the layer leaves alone.
package tree

import "time"

// Kind is the type of a file.
type Kind uint8

// The kinds of files (OCI image-spec, layer.md, "File Types"). A hard link is
// not one: two names have the same Node.
const (
	File Kind = iota
	Dir
	Symlink
	CharDevice
	BlockDevice
	Fifo
)

// Node is a file without its name. A Node that is in a tree never changes;
// names that share one are hard links of each other.
type Node struct {
	// Kind is its type.
	Kind Kind
	// Mode are its permission bits as in stat(2), set-id and sticky bits
	// included: at most 0o7777.
	Mode uint32
	// UID and GID own it.
	UID, GID uint32
	// ModTime is when its content changed last.
	ModTime time.Time
	// Size is that of its content in bytes; 0 for all but a File.
	Size int64
	// Target is where a Symlink leads.
	Target string
	// Major and Minor number a device.
	Major, Minor uint32
	// Xattrs are its extended attributes by full name: "security.capability".
	// Nil when it has none.
	Xattrs map[string]string
	// Content is where the bytes of a File are.
	Content Content
}

// Content says where the bytes of a file are: in the tar of a layer.
type Content struct {
	// Layer is the digest of the layer's uncompressed tar, "sha256:…".
	Layer string
	// Offset is where the file's first header block (its PAX header, when it
	// has one) begins in that tar.
	Offset int64
	// Digest is that of the bytes, "sha256:…".
	Digest string
}

// Op is what a change does.
type Op uint8

// The operations of a layer.
const (
	// Put adds a file, or replaces what has its name. A folder put onto a
	// folder keeps what is in it.
	Put Op = iota
	// Link gives the file of another name one more name.
	Link
	// Remove is a whiteout: the name and all below it are gone.
	Remove
	// Clear is an opaque whiteout: what the layers below have in the folder
	// is gone.
	Clear
)

// Change is one entry of a layer.
type Change struct {
	// Op is what it does.
	Op Op
	// Name is the path: clean, relative to the root, with no ".." and no
	// leading "/". "." is the root.
	Name string
	// Node is the file of a Put. Nil for all others.
	Node *Node
	// Target is the name that a Link shares its file with, in the same form
	// as Name.
	Target string
}
