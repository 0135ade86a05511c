// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Mountpoint is where the caller will mount something.
type Mountpoint struct {
	// Target is where, absolute: links in it are followed, as the command
	// would.
	Target string
	// Dir says that a folder is mounted there, otherwise a file.
	Dir bool
}

// stubs are the mount points that a tree lacks, with the folders above them
// that it lacks. They are on disk but not in the tree, and never in a layer by
// themselves.
type stubs map[string]*tree.Node

// placeMounts finds out where the mount points really are, and which are missing.
func placeMounts(before Before, mounts []Mountpoint) (names []string, missing stubs, err error) {
	w := way{before: before, known: map[string]*tree.Node{}, missing: stubs{}}
	for _, m := range mounts {
		if err := w.guess(m.Target); err != nil {
			return nil, nil, err
		}
	}
	for _, m := range mounts {
		if err := w.ask(); err != nil {
			return nil, nil, err
		}
		name, err := w.follow(m)
		if err != nil {
			return nil, nil, &MountError{m.Target, err}
		}
		names = append(names, name)
	}
	return names, w.missing, nil
}

// MountError says that the tree has no place for a Mountpoint.
type MountError struct {
	// Target is that of the Mountpoint.
	Target string
	// Err says why.
	Err error
}

// Error describes the problem.
func (e *MountError) Error() string { return fmt.Sprintf("mounting at %q: %v", e.Target, e.Err) }

// Unwrap returns the reason.
func (e *MountError) Unwrap() error { return e.Err }

// way follows paths in a tree of which it learns bit by bit.
type way struct {
	before  Before
	known   map[string]*tree.Node
	unknown []string
	missing stubs
}

// guess notes the names that a path consists of when no link is in it.
func (w *way) guess(path string) error {
	at := "."
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			continue
		}
		at = join(at, part)
		if err := tree.CheckName(at); err != nil {
			return &MountError{path, err}
		}
		w.unknown = append(w.unknown, at)
	}
	return nil
}

// ask learns the names noted.
func (w *way) ask() error {
	var names []string
	for _, name := range w.unknown {
		if _, ok := w.known[name]; !ok {
			w.known[name] = nil
			names = append(names, name)
		}
	}
	w.unknown = nil
	have, err := nodes(w.before, names)
	if err != nil {
		return err
	}
	for name, n := range have {
		w.known[name] = n
	}
	return nil
}

// node returns the file of a name.
func (w *way) node(name string) (*tree.Node, error) {
	if n := w.missing[name]; n != nil {
		return n, nil
	}
	if _, ok := w.known[name]; !ok {
		w.unknown = append(w.unknown, name)
		if err := w.ask(); err != nil {
			return nil, err
		}
	}
	return w.known[name], nil
}

// maxLinks is how many links a path may lead over, as in Linux.
const maxLinks = 40

// follow walks a path as if the tree were "/". What is missing is added.
func (w *way) follow(m Mountpoint) (string, error) {
	at, rest, links := ".", m.Target, 0
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			if at != "." {
				at, _ = split(at)
			}
			continue
		}
		next := join(at, part)
		n, err := w.node(next)
		if err != nil {
			return "", err
		}
		last := strings.Trim(rest, "/.") == ""
		switch {
		case n == nil:
			w.missing[next] = stub(m.Dir || !last)
		case n.Kind == tree.Symlink:
			if links++; links > maxLinks {
				return "", syscall.ELOOP
			}
			if strings.HasPrefix(n.Target, "/") {
				at = "."
			}
			rest = n.Target + "/" + rest
			continue
		case !last && n.Kind != tree.Dir:
			return "", fmt.Errorf("%q in the image is no folder", next)
		}
		at = next
	}
	return at, w.fits(at, m.Dir)
}

// fits says whether something can be mounted on a file.
func (w *way) fits(name string, dir bool) error {
	if name == "." {
		return nil
	}
	n, err := w.node(name)
	switch {
	case err != nil:
		return err
	case dir && n.Kind != tree.Dir:
		return fmt.Errorf("%q in the image is no folder, and a folder is to be mounted there", name)
	case !dir && n.Kind == tree.Dir:
		return fmt.Errorf("%q in the image is a folder, and a file is to be mounted there", name)
	}
	return nil
}

// stub is a file that is mounted on.
func stub(dir bool) *tree.Node {
	n := &tree.Node{Kind: tree.File, Mode: 0o644, ModTime: time.Unix(0, 0).UTC()}
	if dir {
		n.Kind, n.Mode = tree.Dir, 0o755
	}
	return n
}
