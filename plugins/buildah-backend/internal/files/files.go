// SPDX-License-Identifier: Apache-2.0

// Package files reads file trees that are not trusted: build contexts and the
// trees of images. No path leads out of its tree.
package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/buildctx"
)

// Tree is a file tree with the methods of a build context.
type Tree struct {
	*buildctx.Context
	root *os.Root
}

// Open opens a folder as a tree in which ignore hides paths.
func Open(dir string, ignore *buildctx.Ignore) (*Tree, error) {
	ctx, err := buildctx.Open(dir, buildctx.Options{Ignore: ignore})
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, errors.Join(err, ctx.Close())
	}
	return &Tree{ctx, root}, nil
}

// Lstat describes what is at a path, whose folders must not be links.
func (t *Tree) Lstat(name string) (fs.FileInfo, error) { return t.root.Lstat(name) }

// Open opens a file at a path that Resolve returned.
func (t *Tree) Open(name string) (io.ReadCloser, error) { return t.root.Open(name) }

// OpenResolved opens a file, following links inside the tree.
func (t *Tree) OpenResolved(name string) (io.ReadCloser, error) {
	real, err := t.Resolve(name)
	if err != nil {
		return nil, err
	}
	return t.root.Open(real)
}

// Readlink returns the target of a link.
func (t *Tree) Readlink(name string) (string, error) { return t.root.Readlink(name) }

// Path returns where a path that Resolve returned is on the machine.
func (t *Tree) Path(name string) string { return filepath.Join(t.Dir(), name) }

// Close closes the tree.
func (t *Tree) Close() error { return errors.Join(t.root.Close(), t.Context.Close()) }
