// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"io/fs"
	"path"
	"syscall"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
)

// repeat adds the folders above everything in the layer as the tree has them.
// A storage driver that unpacks a layer without them invents them, and what it
// invents hides what was there: owner, mode and all.
func (l *layer) repeat(tree *files.Tree) error {
	if tree == nil {
		return nil
	}
	for name := range l.items {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if l.items[dir] != nil {
				continue
			}
			i, err := existing(tree, dir)
			if err != nil {
				return err
			}
			l.put(dir, i)
		}
	}
	return nil
}

// existing describes a folder of the tree.
func existing(tree *files.Tree, dir string) (*item, error) {
	info, err := tree.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "repeat", Path: dir, Err: syscall.ENOTDIR}
	}
	i := &item{header: tar.Header{Typeflag: tar.TypeDir, Mode: octal(info.Mode()), ModTime: info.ModTime()}}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		i.header.Uid, i.header.Gid = int(st.Uid), int(st.Gid)
	}
	return i, xattrs(tree.Path(dir), &i.header)
}
