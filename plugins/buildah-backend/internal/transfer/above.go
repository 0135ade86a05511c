// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"syscall"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
)

// settle fits the layer to the tree that it goes onto: what would come to lie
// below a link of the tree goes where the link leads, and the folders above
// everything are repeated.
func (l *layer) settle(tree *files.Tree) error {
	if err := l.check(); err != nil {
		return err
	}
	if err := l.follow(tree); err != nil {
		return err
	}
	return l.repeat(tree)
}

// follow moves entries to where the links of the tree lead. A folder does not
// replace a link to a folder, and nothing else replaces a folder: what is in
// it would silently be gone.
func (l *layer) follow(tree *files.Tree) error {
	real := map[string]string{".": "."}
	settled := map[string]*item{}
	for _, name := range slices.Sorted(maps.Keys(l.items)) {
		i := l.items[name]
		at := path.Join(l.real(tree, path.Dir(name), real), path.Base(name))
		there, err := tree.Lstat(at)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
			return err
		}
		isDir := i.header.Typeflag == tar.TypeDir
		switch {
		case err != nil:
		case isDir && leadsToFolder(tree, at, there):
			continue
		case !isDir && there.IsDir():
			return &Problem{
				Message: fmt.Sprintf("%q is a folder in the image, and something else cannot replace it", "/"+at),
				Help:    "copy to another place, or remove the folder first",
			}
		}
		i.header.Name = at
		settled[at] = i
	}
	l.items = settled
	return nil
}

// real says where a folder of the layer really is; known remembers it.
func (l *layer) real(tree *files.Tree, dir string, known map[string]string) string {
	if at, ok := known[dir]; ok {
		return at
	}
	at := path.Join(l.real(tree, path.Dir(dir), known), path.Base(dir))
	if there, err := tree.Lstat(at); err == nil && leadsToFolder(tree, at, there) {
		if to, err := tree.Resolve(at); err == nil {
			at = to
		}
	}
	known[dir] = at
	return at
}

// leadsToFolder says whether a file is a link to a folder.
func leadsToFolder(tree *files.Tree, name string, info fs.FileInfo) bool {
	if info.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	to, err := tree.Resolve(name)
	if err != nil {
		return false
	}
	target, err := tree.Lstat(to)
	return err == nil && target.IsDir()
}

// repeat adds the folders above everything in the layer as the tree has them.
// A storage driver that unpacks a layer without them invents them, and what it
// invents hides what was there: owner, mode and all.
func (l *layer) repeat(tree *files.Tree) error {
	for _, name := range slices.Collect(maps.Keys(l.items)) {
		for dir := path.Dir(name); dir != "." && l.items[dir] == nil; dir = path.Dir(dir) {
			i, err := existing(tree, dir)
			if err != nil {
				return err
			}
			l.put(dir, i)
		}
	}
	return nil
}

// existing describes a folder of the tree; one that is not there, because an
// archive left it out, is a made one.
func existing(tree *files.Tree, dir string) (*item, error) {
	info, err := tree.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return madeFolder(owner{}), nil
	}
	if err != nil {
		return nil, err
	}
	i := &item{header: tar.Header{Typeflag: tar.TypeDir, Mode: octal(info.Mode()), ModTime: info.ModTime()}}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.header.Uid, i.header.Gid = int(st.Uid), int(st.Gid)
	}
	return i, xattrs(tree.Path(dir), &i.header)
}
