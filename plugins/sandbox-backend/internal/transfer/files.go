// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"io"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Files is a tree that sources are in. Names are clean, slash-separated and
// relative; "." is the root. Nothing outside of the tree can be reached.
//
// Errors for what is not there wrap fs.ErrNotExist or syscall.ENOTDIR, those
// for links in a circle syscall.ELOOP.
type Files interface {
	// Resolve returns the name that a source leads to: every link is followed
	// as if the tree were "/".
	Resolve(name string) (string, error)
	// Lstat describes what is at a name that Resolve returned.
	Lstat(name string) (File, error)
	// Walk calls fn for all that is below a folder, each folder before what it
	// holds. fs.SkipDir for a folder leaves out what it holds; any other error
	// ends the walk and is returned. No link is followed.
	Walk(dir string, fn func(name string, f File) error) error
	// Xattrs returns the extended attributes of a file.
	Xattrs(name string, f File) (map[string]string, error)
	// Open opens the content of a regular file. What is read is as long as the
	// file is said to be, or ends with an error.
	Open(name string, f File) (io.ReadCloser, error)
	// Digest returns a digest of all that COPY of some paths depends on: the
	// names as given, and the files that they lead to.
	Digest(names ...string) (string, error)
}

// File is a file of a source.
type File struct {
	// Node describes it; of Xattrs and Content only the methods of Files know.
	// It is not to be changed. Nil for a socket, which no layer can hold.
	Node *tree.Node
	// ID is the same for names that share one file. Nil for a file that has one
	// name.
	ID any
}
