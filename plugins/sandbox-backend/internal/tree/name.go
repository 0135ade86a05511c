// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"errors"
	"strings"
)

// What Linux takes as a path and as one name in it (limits.h). A name that is
// longer could never become a file.
const (
	maxName = 4095
	maxBase = 255
)

// CheckName says what is wrong with the name of a file in a tree: it must be
// clean, relative and without "..". "." is the root. All other bytes but NUL
// are fine, as they are in Linux.
func CheckName(name string) error {
	switch {
	case name == ".":
		return nil
	case name == "":
		return errors.New("the name is empty")
	case len(name) > maxName:
		return errors.New("the name is longer than 4095 bytes")
	case strings.IndexByte(name, 0) >= 0:
		return errors.New("the name holds a NUL byte")
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case part == "..":
			return errors.New("the name leads out of the tree by \"..\"")
		case part == "" || part == ".":
			return errors.New("the name is not a clean relative path")
		case len(part) > maxBase:
			return errors.New("a part of the name is longer than 255 bytes")
		}
	}
	return nil
}

// Compare orders names as Walk does: a folder before what is in it, and that
// before the folder's next sibling. It returns -1, 0 or 1.
func Compare(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == ".":
		return -1
	case b == ".":
		return 1
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i < len(b) && rank(a[i]) < rank(b[i]) {
		return -1
	}
	return 1
}

// rank puts "/" before all other bytes.
func rank(c byte) int {
	if c == '/' {
		return -1
	}
	return int(c)
}

// split returns the folder and the base of a name that is not the root.
func split(name string) (parent, base string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return ".", name
}

// Check says what is wrong with a file that is put into a tree.
func (n *Node) Check() error {
	switch {
	case n == nil:
		return errors.New("the entry has no file")
	case n.Kind > Fifo:
		return errors.New("the kind of file is unknown")
	case n.Mode > 0o7777:
		return errors.New("the mode has more than permission bits")
	case n.Size < 0:
		return errors.New("the size is negative")
	case n.Kind != Symlink:
		return nil
	case n.Target == "":
		return errors.New("the symbolic link leads nowhere")
	case len(n.Target) > maxName:
		return errors.New("the symbolic link is longer than 4095 bytes")
	case strings.IndexByte(n.Target, 0) >= 0:
		return errors.New("the symbolic link holds a NUL byte")
	}
	return nil
}
