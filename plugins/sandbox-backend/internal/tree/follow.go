// SPDX-License-Identifier: Apache-2.0

package tree

import (
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links a path may lead over, as in Linux.
const maxLinks = 40

// Resolve returns the real name of what a path leads to, as if the tree were
// "/": every symbolic link is followed, an absolute one starts at the root,
// and ".." of the root is the root. The path may be absolute and need not be
// clean. Its errors wrap fs.ErrNotExist, syscall.ENOTDIR, and syscall.ELOOP
// after 40 links.
func (t *Tree) Resolve(name string) (string, error) {
	f := follower{root: t.root}
	if err := f.follow(name); err != nil {
		return "", fmt.Errorf("%q: %w", name, err)
	}
	if f.missing {
		return "", fmt.Errorf("%q: %w", name, fs.ErrNotExist)
	}
	return f.name(), nil
}

// follower walks a path.
type follower struct {
	root *dir
	// names and entries are where it is: the way from the root, without links.
	names   []string
	entries []entry
	// missing says that the way led over a name that does not exist. Such a
	// name counts as a folder with nothing in it, so that the real name of
	// something yet to be made can be told.
	missing bool
}

// name returns the real name of where the follower is.
func (f *follower) name() string {
	if len(f.names) == 0 {
		return "."
	}
	return strings.Join(f.names, "/")
}

// follow walks a path to its end.
func (f *follower) follow(path string) error {
	links := 0
	for path != "" {
		part, rest, _ := strings.Cut(path, "/")
		path = rest
		target, err := f.step(part)
		if err != nil {
			return err
		}
		if target == "" {
			continue
		}
		if links++; links > maxLinks {
			return syscall.ELOOP
		}
		if target[0] == '/' {
			f.names, f.entries = f.names[:0], f.entries[:0]
		}
		path = target + "/" + path
	}
	return nil
}

// step walks over one part of a path. When that is a symbolic link, it stays
// where it is and returns where the link leads.
func (f *follower) step(part string) (target string, err error) {
	at := f.at()
	switch {
	case part == "":
		return "", nil
	case at.node != nil && at.below == nil:
		return "", syscall.ENOTDIR
	case part == ".":
		return "", nil
	case part == "..":
		if n := len(f.names) - 1; n >= 0 {
			f.names, f.entries = f.names[:n], f.entries[:n]
		}
		return "", nil
	}
	var next entry
	if at.below != nil {
		next = at.below.names[part]
	}
	switch {
	case next.node == nil:
		f.missing = true
	case next.node.Kind == Symlink && next.node.Target == "":
		return "", fs.ErrNotExist
	case next.node.Kind == Symlink:
		return next.node.Target, nil
	}
	f.names, f.entries = append(f.names, part), append(f.entries, next)
	return "", nil
}

// at returns the entry where the follower is.
func (f *follower) at() entry {
	if n := len(f.entries); n > 0 {
		return f.entries[n-1]
	}
	return entry{node: f.root.node, below: f.root}
}
