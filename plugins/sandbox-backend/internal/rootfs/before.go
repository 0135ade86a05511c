// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Before answers what a tree was before the command. It is asked for few names
// at a time, so that a process in a namespace need not have the whole tree.
type Before interface {
	// Nodes returns the files of these names, in their order: nil for a name
	// that the tree does not have. No link is followed.
	Nodes(names []string) ([]*tree.Node, error)
	// Names returns the base names in a folder of the tree, sorted.
	Names(dir string) ([]string, error)
	// Walk calls fn for each file of the tree, as tree.Tree.Walk does.
	Walk(fn func(name string, n *tree.Node) error) error
}

// Of is the Before of a tree at hand.
func Of(t *tree.Tree) Before { return whole{t} }

type whole struct{ t *tree.Tree }

func (w whole) Nodes(names []string) ([]*tree.Node, error) {
	out := make([]*tree.Node, len(names))
	for i, name := range names {
		n, err := w.t.Lstat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}

func (w whole) Names(dir string) ([]string, error) { return w.t.List(dir) }

func (w whole) Walk(fn func(name string, n *tree.Node) error) error { return w.t.Walk(".", fn) }

// nodes asks for names and returns the answers by name, without those that the
// tree does not have.
func nodes(b Before, names []string) (map[string]*tree.Node, error) {
	if len(names) == 0 {
		return nil, nil
	}
	answers, err := b.Nodes(names)
	if err != nil {
		return nil, err
	}
	if len(answers) != len(names) {
		return nil, fmt.Errorf("asked for %d files of the tree, got %d", len(names), len(answers))
	}
	out := make(map[string]*tree.Node, len(names))
	for i, n := range answers {
		if n != nil {
			out[names[i]] = n
		}
	}
	return out, nil
}

// sharing says whether two names of a tree are hard links of one file. The
// entry of a layer that a file comes from tells, since nodes may have come
// over a pipe.
func sharing(a, b *tree.Node) bool {
	return a.Kind == tree.File && b.Kind == tree.File && a.Content.Layer == b.Content.Layer && a.Content.Offset == b.Content.Offset
}
