// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// draft is a layer in the making, seen together with the tree that it goes
// onto. Files are put one after the other, as if onto a disk.
type draft struct {
	onto *tree.Tree
	// items are the files by their real names.
	items map[string]*item
	// base is what "/" is to the links of the layer itself: an archive stays
	// where it is unpacked.
	base string
	// parent is the folder that was put into last, and real where it is: files
	// of one folder mostly follow each other.
	parent, real string
}

// item is a file of a layer.
type item struct {
	node *tree.Node
	open func() (io.ReadCloser, error)
	// id is that of a File, and from the name it had there. Items of one id that
	// come from several names become hard links.
	id   any
	from string
}

func newDraft(onto *tree.Tree) *draft {
	return &draft{onto: onto, items: map[string]*item{}, base: "."}
}

// chroot changes base.
func (d *draft) chroot(base string) { d.base, d.parent = base, "" }

// owner is who owns a file.
type owner struct{ uid, gid uint32 }

// madeFolder is a folder that comes from no source.
func madeFolder(o owner) *item {
	return &item{node: &tree.Node{Kind: tree.Dir, Mode: 0o755, UID: o.uid, GID: o.gid, ModTime: Epoch}}
}

// at returns the file with a real name; nil when there is none.
func (d *draft) at(name string) *tree.Node {
	if i := d.items[name]; i != nil {
		return i.node
	}
	n, err := d.onto.Lstat(name)
	if err != nil {
		return nil // a tree fails for no other reason
	}
	return n
}

// put adds a file; a later one of the same name replaces an earlier one. What
// would come to lie below a link to a folder goes where the link leads. A
// folder does not replace a link to a folder, and nothing else replaces a
// folder: what is in it would silently be gone. The root stays as it is.
func (d *draft) put(name string, i *item) error {
	if name == "." {
		return nil
	}
	at := path.Join(d.folder(path.Dir(name)), path.Base(name))
	there, isDir := d.at(at), i.node.Kind == tree.Dir
	switch {
	case there == nil:
	case isDir && there.Kind == tree.Symlink:
		if _, ok := d.leadsToFolder(at); ok {
			return nil
		}
		d.parent = ""
	case there.Kind == tree.Symlink:
		d.parent = ""
	case !isDir && there.Kind == tree.Dir:
		return &Problem{
			Message: fmt.Sprintf("%q is a folder in the image, and something else cannot replace it", "/"+at),
			Help:    "copy to another place, or remove the folder first",
		}
	}
	if err := cmp.Or(checkName(at), i.node.Check()); err != nil {
		return &Problem{
			Message: fmt.Sprintf("%q cannot be in an image: %v", "/"+at, err),
			Help:    "give it another name, or leave it out with --exclude or the ignore file",
		}
	}
	i.node.ModTime = i.node.ModTime.Truncate(time.Second)
	d.items[at] = i
	return nil
}

// checkName says what is wrong with a name. In a layer one that begins with
// ".wh." stands for the removal of another (OCI image-spec, layer.md,
// "Whiteouts"), so no image can hold such a file.
func checkName(name string) error {
	if strings.HasPrefix(name, ".wh.") || strings.Contains(name, "/.wh.") {
		return errors.New("names that begin with \".wh.\" mean that a file is removed")
	}
	return tree.CheckName(name)
}

// folder says where a folder really is. Where none is, one is made.
func (d *draft) folder(name string) string {
	if name == "." {
		return name
	}
	if name != d.parent {
		d.real = d.step(d.folder(path.Dir(name)), path.Base(name))
		d.parent = name
	}
	return d.real
}

// step goes from a folder into one in it.
func (d *draft) step(dir, base string) string {
	at := path.Join(dir, base)
	there := d.at(at)
	if there != nil && there.Kind == tree.Dir {
		return at
	}
	if there != nil && there.Kind == tree.Symlink {
		if to, ok := d.leadsToFolder(at); ok {
			return to
		}
	}
	d.items[at] = madeFolder(owner{})
	return at
}

// leadsToFolder says whether a name leads to a folder, and to which.
func (d *draft) leadsToFolder(name string) (string, bool) {
	to, err := d.follow(name)
	if err != nil {
		return "", false
	}
	n := d.at(to)
	return to, n != nil && n.Kind == tree.Dir
}

// maxLinks is how many symbolic links a path may lead over, as in Linux.
const maxLinks = 40

// follow returns the real name that a path leads to: every link is followed as
// if the tree were "/". What does not exist counts as an empty folder, so that
// the real name of something yet to be made can be told.
func (d *draft) follow(name string) (string, error) {
	at, root, links := ".", ".", 0
	for rest := name; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		if part == "" {
			continue
		}
		next := path.Join(at, part)
		if part == ".." && (at == root || at == ".") {
			next = at
		}
		switch n := d.at(next); {
		case n != nil && n.Kind == tree.Symlink:
			if links++; links > maxLinks {
				return "", &Problem{
					Message: fmt.Sprintf("%q leads over more than %d symbolic links in the image", name, maxLinks),
					Help:    "name another path, or remove the links first",
				}
			}
			if root = "."; d.items[next] != nil {
				root = d.base
			}
			if path.IsAbs(n.Target) {
				at = root
			}
			rest = n.Target + "/" + rest
			continue
		case n != nil && n.Kind != tree.Dir && strings.Trim(rest, "/") != "":
			return "", &Problem{
				Message: fmt.Sprintf("%q is not a folder in the image, so %q cannot be made", "/"+next, name),
				Help:    "name another path, or remove the file first",
			}
		}
		at = next
	}
	return at, nil
}

// landing is the place in the tree that a path leads to.
type landing struct {
	// name is its real name.
	name string
	// node is what is there; nil when nothing is.
	node *tree.Node
	// missing are the folders above that do not exist, the highest first.
	missing []string
}

// land follows a path of the image.
func (d *draft) land(name string) (landing, error) {
	at, err := d.follow(name)
	if err != nil {
		return landing{}, err
	}
	l := landing{name: at, node: d.at(at)}
	for _, dir := range above(at) {
		if d.at(dir) == nil {
			l.missing = append(l.missing, dir)
		}
	}
	return l, nil
}

// above lists the folders above a name, but for the root, the highest first.
func above(name string) []string {
	var list []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		list = append(list, dir)
	}
	slices.Reverse(list)
	return list
}

// entries returns the layer, sorted, with the folders above everything as the
// tree has them.
func (d *draft) entries() []layer.Entry {
	shared := d.shared()
	first := map[any]string{}
	entries := make([]layer.Entry, 0, len(d.items))
	for _, name := range slices.SortedFunc(maps.Keys(d.items), tree.Compare) {
		i := d.items[name]
		e := layer.Entry{Change: tree.Change{Op: tree.Put, Name: name, Node: i.node}, Open: i.open}
		if shared[i.id] {
			if target, seen := first[i.id]; seen {
				e = layer.Entry{Change: tree.Change{Op: tree.Link, Name: name, Target: target}}
			} else {
				first[i.id] = name
			}
		}
		entries = append(entries, e)
	}
	entries = layer.WithParents(entries, d.onto)
	slices.SortFunc(entries, func(a, b layer.Entry) int { return tree.Compare(a.Name, b.Name) })
	return entries
}

// shared says which files were copied under several names.
func (d *draft) shared() map[any]bool {
	from, shared := map[any]string{}, map[any]bool{}
	for _, i := range d.items {
		if i.id == nil {
			continue
		}
		if other, seen := from[i.id]; seen && other != i.from {
			shared[i.id] = true
		}
		from[i.id] = i.from
	}
	return shared
}
