// SPDX-License-Identifier: Apache-2.0

package tree

import "errors"

// Tree is a file tree. The zero value is not one; Empty returns the first.
type Tree struct{}

var errSoon = errors.New("not written yet")

// Empty returns the tree with nothing in it but its root.
func Empty() *Tree { return &Tree{} }

// Apply returns the tree that a layer makes of this one.
func (t *Tree) Apply(changes []Change) (*Tree, error) { return nil, errSoon }

// Lstat returns the file of a name; no link is followed.
func (t *Tree) Lstat(name string) (*Node, error) { return nil, errSoon }

// Resolve returns the name without links that a name leads to.
func (t *Tree) Resolve(name string) (string, error) { return "", errSoon }

// List returns the sorted base names in a folder.
func (t *Tree) List(dir string) ([]string, error) { return nil, errSoon }

// Walk calls fn for a name and all below it.
func (t *Tree) Walk(name string, fn func(name string, n *Node) error) error { return errSoon }

// Digest says what a step that reads some subtrees depends on.
func (t *Tree) Digest(names ...string) (string, error) { return "", errSoon }
