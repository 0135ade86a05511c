// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"maps"
	"slices"
	"sync/atomic"
)

// dir is a folder with what is in it. Trees share folders: once the edit that
// made one is over, it never changes.
type dir struct {
	node  *Node
	names map[string]entry
	// made is the edit that may still change the folder.
	made *edition

	// What follows is worked out when it is asked for first.
	order atomic.Pointer[[]string]
	sum   atomic.Pointer[summary]
}

// entry is a file in a folder.
type entry struct {
	node *Node
	// below is the folder, when it is one.
	below *dir
	// linked says that the file has, or once had, more than one name.
	linked bool
}

// edition is the identity of one edit. It has a size, so that no two have the
// same address.
type edition struct{ _ byte }

// sorted returns the names in the folder in order.
func (d *dir) sorted() []string {
	if p := d.order.Load(); p != nil {
		return *p
	}
	names := slices.Sorted(maps.Keys(d.names))
	d.order.Store(&names)
	return names
}

// edited returns the folder itself when the edit made it, otherwise a copy
// that the edit may change.
func (d *dir) edited(e *edition) *dir {
	if d.made == e {
		return d
	}
	return &dir{node: d.node, names: maps.Clone(d.names), made: e}
}

// set gives an entry a name.
func (d *dir) set(name string, e entry) {
	if d.names == nil {
		d.names = map[string]entry{}
	}
	d.names[name] = e
}
