// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"path"
	"slices"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// WithParents adds to entries the folders above each, as t has them. What
// unpacks a layer that lacks them makes them up, and so hides the owner and
// mode that they have in the layers below. Folders that are there already, that
// t does not have, and the root are not added. The names of entries are real
// ones.
func WithParents(entries []Entry, t *tree.Tree) []Entry {
	put := map[string]bool{".": true}
	for _, e := range entries {
		if e.Op == tree.Put {
			put[e.Name] = true
		}
	}
	out := slices.Clip(entries)
	for _, e := range entries {
		for dir := path.Dir(e.Name); !put[dir]; dir = path.Dir(dir) {
			put[dir] = true
			if n, err := t.Lstat(dir); err == nil && n.Kind == tree.Dir {
				out = append(out, Entry{Change: tree.Change{Name: dir, Node: n}})
			}
		}
	}
	return out
}
