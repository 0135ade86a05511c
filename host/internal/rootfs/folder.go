// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Left is what a folder does not have of the layers.
type Left struct {
	// Owners are how many files belong to who runs this instead.
	Owners int
	// Devices are how many devices and pipes were left out.
	Devices int
	// Attributes are how many files have lost extended attributes.
	Attributes int
}

// WriteFolder puts file systems into a folder, which is made when it is missing.
// What is there stays, but for files of the same names, and nothing is touched
// before all of it is written beside: what would put a file in place of a
// folder, or the other way round, is an error then. Nothing is followed out of
// the folder. Only root can give files their owners.
func WriteFolder(dir string, roots ...Root) (left Left, err error) {
	made := os.Mkdir(dir, 0o755)
	if made != nil && !errors.Is(made, fs.ErrExist) {
		return left, made
	}
	defer func() {
		if err != nil && made == nil {
			_ = os.Remove(dir)
		}
	}()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return left, err
	}
	defer root.Close()
	aside, err := os.MkdirTemp(dir, ".zlayer-*")
	if err != nil {
		return left, err
	}
	defer func() { err = errors.Join(err, root.RemoveAll(filepath.Base(aside))) }()
	return fill(root, filepath.Base(aside), roots)
}

// Unpack is WriteFolder for a tar that is no layer: no name has a meaning.
func Unpack(dir string, archive Layer) error {
	_, err := WriteFolder(dir, Root{Layers: []Layer{archive}, plain: true})
	return err
}

// fill writes into a folder aside and moves everything to its place.
func fill(root *os.Root, aside string, roots []Root) (Left, error) {
	inner, err := root.OpenRoot(aside)
	if err != nil {
		return Left{}, err
	}
	defer inner.Close()
	f := &filler{root: inner, owner: os.Geteuid() == 0}
	if err := flatten(roots, f.put); err != nil {
		return f.left, err
	}
	// Folders that were there keep owner and mode.
	fresh := slices.DeleteFunc(f.dirs, func(h *tar.Header) bool {
		_, err := root.Lstat(strings.TrimSuffix(h.Name, "/"))
		return err == nil
	})
	if err := merge(root, aside); err != nil {
		return f.left, err
	}
	f.root = root
	// Last, the innermost first: a mode may forbid to put or move anything.
	for _, h := range slices.Backward(fresh) {
		if err := f.describe(h); err != nil {
			return f.left, err
		}
	}
	return f.left, nil
}

// filler fills a folder.
type filler struct {
	root  *os.Root
	owner bool // whether files can be given away
	left  Left
	dirs  []*tar.Header
}

// put makes one entry.
func (f *filler) put(h *tar.Header, content io.Reader) error {
	if len(h.PAXRecords) > 0 {
		f.left.Attributes++
	}
	switch h.Typeflag {
	case tar.TypeDir:
		f.dirs = append(f.dirs, h)
		return f.root.Mkdir(strings.TrimSuffix(h.Name, "/"), 0o700)
	case tar.TypeLink:
		err := f.root.Link(h.Linkname, h.Name)
		if errors.Is(err, fs.ErrNotExist) { // another name of a device
			err = nil
		}
		return err
	case tar.TypeSymlink:
		if err := f.root.Symlink(h.Linkname, h.Name); err != nil {
			return err
		}
		return f.own(h)
	case tar.TypeReg:
		if err := f.file(h.Name, content); err != nil {
			return err
		}
		return f.describe(h)
	}
	f.left.Devices++
	return nil
}

func (f *filler) file(name string, content io.Reader) error {
	w, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return errors.Join(err, w.Close())
}

// describe sets owner, mode and time.
func (f *filler) describe(h *tar.Header) error {
	name := strings.TrimSuffix(h.Name, "/")
	if err := f.own(h); err != nil {
		return err
	}
	if err := f.root.Chmod(name, h.FileInfo().Mode()); err != nil {
		return err
	}
	return f.root.Chtimes(name, h.ModTime, h.ModTime)
}

// own sets the owner, where that can be done.
func (f *filler) own(h *tar.Header) error {
	if f.owner {
		return f.root.Lchown(strings.TrimSuffix(h.Name, "/"), h.Uid, h.Gid)
	}
	if h.Uid != os.Geteuid() || h.Gid != os.Getegid() {
		f.left.Owners++
	}
	return nil
}

// merge moves what is in a folder aside to its place, once all of it can be.
func merge(root *os.Root, aside string) error {
	if err := mergeEach(root, aside, ".", false); err != nil {
		return err
	}
	return mergeEach(root, aside, ".", true)
}

// mergeEach moves the entries of one folder, or only says whether they could be.
func mergeEach(root *os.Root, from, to string, move bool) error {
	entries, err := fs.ReadDir(root.FS(), from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		source, target := path.Join(from, e.Name()), path.Join(to, e.Name())
		there, err := root.Lstat(target)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = moved(root, source, target, move)
		case err != nil:
		case there.IsDir() != e.IsDir():
			err = fmt.Errorf("%s is there, and the image has %s of that name", target, kind(e.IsDir()))
		case e.IsDir():
			err = mergeEach(root, source, target, move)
		default:
			err = moved(root, source, target, move)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func moved(root *os.Root, source, target string, move bool) error {
	if !move {
		return nil
	}
	return root.Rename(source, target)
}

func kind(dir bool) string {
	if dir {
		return "a folder"
	}
	return "a file"
}
