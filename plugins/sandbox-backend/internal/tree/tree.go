// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Tree is a file tree. The zero value is not one; Empty returns the first. It
// may be used by many goroutines at once.
type Tree struct {
	root *dir
}

// Empty returns the tree with nothing in it but its root: a folder of the
// superuser with mode 0755.
func Empty() *Tree {
	return &Tree{root: &dir{node: implied()}}
}

// implied returns the folder that stands where a layer names a file but not
// the folder that holds it.
func implied() *Node {
	return &Node{Kind: Dir, Mode: 0o755, ModTime: time.Unix(0, 0).UTC()}
}

// Lstat returns the file that has a name. No link is followed anywhere: a name
// below a symbolic link is an error that wraps syscall.ENOTDIR. One that does
// not exist wraps fs.ErrNotExist.
func (t *Tree) Lstat(name string) (*Node, error) {
	e, err := t.find(name)
	return e.node, err
}

// find returns the entry of a name.
func (t *Tree) find(name string) (entry, error) {
	e := entry{node: t.root.node, below: t.root}
	if name == "." {
		return e, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if e.below == nil {
			return entry{}, fmt.Errorf("%q: %w", name, syscall.ENOTDIR)
		}
		next, ok := e.below.names[part]
		if !ok {
			return entry{}, fmt.Errorf("%q: %w", name, fs.ErrNotExist)
		}
		e = next
	}
	return e, nil
}

// List returns the base names of what is in a folder, sorted. Its errors are
// those of Lstat; a file that is no folder wraps syscall.ENOTDIR. The slice is
// the tree's own: do not change it.
func (t *Tree) List(dir string) ([]string, error) {
	e, err := t.find(dir)
	if err != nil {
		return nil, err
	}
	if e.below == nil {
		return nil, fmt.Errorf("%q: %w", dir, syscall.ENOTDIR)
	}
	return e.below.sorted(), nil
}

// Walk calls fn for a name and then for all that is below it: each folder
// before what is in it, siblings sorted by name, which is the order of
// Compare. When fn returns fs.SkipDir for a folder, what is in it is left out;
// for any other file, the rest of its folder is. fs.SkipAll ends the walk. Any
// other error ends it and is returned. No link is followed.
func (t *Tree) Walk(name string, fn func(name string, n *Node) error) error {
	e, err := t.find(name)
	if err != nil {
		return err
	}
	err = e.walk(name, fn)
	if errors.Is(err, fs.SkipAll) || errors.Is(err, fs.SkipDir) {
		return nil
	}
	return err
}

// walk is Walk of one entry. fs.SkipDir asks the caller to leave out the rest
// of its folder.
func (e entry) walk(name string, fn func(name string, n *Node) error) error {
	err := fn(name, e.node)
	if e.below == nil {
		return err
	}
	if err != nil {
		return skipped(err)
	}
	prefix := name + "/"
	if name == "." {
		prefix = ""
	}
	for _, base := range e.below.sorted() {
		if err := e.below.names[base].walk(prefix+base, fn); err != nil {
			return skipped(err)
		}
	}
	return nil
}

// skipped takes fs.SkipDir as done.
func skipped(err error) error {
	if errors.Is(err, fs.SkipDir) {
		return nil
	}
	return err
}
