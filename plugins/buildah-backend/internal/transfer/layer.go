// SPDX-License-Identifier: Apache-2.0

// Package transfer makes the layers of COPY, ADD and WORKDIR.
//
// A layer is written straight as a tar: what it holds is decided by looking at
// the sources and at the file tree that the layer goes onto, and nothing is
// copied twice. Entries are sorted and carry no more than a layer needs, so
// the same files make the same bytes.
package transfer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
)

// Epoch is the time of files that have none of their own, as here-documents
// and made parent folders. It is the first that a zip file can hold.
var Epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// layer collects what will be in a tar, by path without a leading "/".
type layer struct {
	items map[string]*item
	// shared counts the files of archives that have several names.
	shared uint64
}

// item is an entry of a layer.
type item struct {
	header tar.Header
	// open opens the content of a regular file.
	open func() (io.ReadCloser, error)
	// inode names a file with several names; they become hard links.
	inode *inode
}

// inode identifies a file on disk.
type inode struct{ dev, ino uint64 }

func newLayer() *layer { return &layer{items: map[string]*item{}} }

// put adds an entry; a later one of the same name replaces an earlier one.
func (l *layer) put(name string, i *item) {
	i.header.Name = name
	i.header.ModTime = i.header.ModTime.Truncate(time.Second)
	if name != "" {
		l.items[name] = i
	}
}

// usual is the mode of folders that come from no source.
const usual = 0o755

func madeFolder(o owner) *item {
	return &item{header: tar.Header{
		Typeflag: tar.TypeDir, Mode: usual, ModTime: Epoch, Uid: int(o.uid), Gid: int(o.gid),
	}}
}

// check finds a name that no image can hold.
func (l *layer) check() error {
	for _, name := range slices.Sorted(maps.Keys(l.items)) {
		if what := badName(name); what != "" {
			return &Problem{
				Message: fmt.Sprintf("%q cannot be in an image: %s", "/"+name, what),
				Help:    "give it another name, or leave it out with --exclude or the ignore file",
			}
		}
	}
	return nil
}

// badName says what is wrong with a name: in a layer one that begins with
// ".wh." stands for the removal of another (OCI image-spec, layer.md,
// "Whiteouts"), and no disk can hold one that is too long.
func badName(name string) string {
	if len(name) > maxName {
		return fmt.Sprintf("the name is longer than %d bytes", maxName)
	}
	for part := range strings.SplitSeq(name, "/") {
		switch {
		case strings.HasPrefix(part, ".wh."):
			return "names that begin with \".wh.\" mean that a file is removed"
		case len(part) > maxPart:
			return fmt.Sprintf("a part of the name is longer than %d bytes", maxPart)
		}
	}
	return ""
}

// maxName and maxPart are how long a path and a part of it may be, as in Linux.
const (
	maxName = 4095
	maxPart = 255
)

// WriteTo writes the tar. It has the form that layers have everywhere (OCI
// image-spec, layer.md).
func (l *layer) WriteTo(w io.Writer) (int64, error) {
	t := tar.NewWriter(w)
	first := map[inode]string{}
	for _, name := range slices.Sorted(maps.Keys(l.items)) {
		if err := l.items[name].write(t, first); err != nil {
			return 0, fmt.Errorf("packing %q: %w", "/"+name, err)
		}
	}
	return 0, t.Close()
}

func (i *item) write(t *tar.Writer, first map[inode]string) error {
	h := i.header
	if i.inode != nil {
		if name, seen := first[*i.inode]; seen {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, name, 0
			return t.WriteHeader(&h)
		}
		first[*i.inode] = h.Name
	}
	if h.Typeflag == tar.TypeDir {
		h.Name += "/"
	}
	if err := t.WriteHeader(&h); err != nil || h.Typeflag != tar.TypeReg {
		return err
	}
	return copyContent(t, i, h.Size)
}

func copyContent(w io.Writer, i *item, size int64) error {
	r, err := i.open()
	if err != nil {
		return err
	}
	defer r.Close()
	n, err := io.Copy(w, io.LimitReader(r, size))
	if err == nil && n < size {
		err = fmt.Errorf("the file shrank from %d bytes to %d while it was read", size, n)
	}
	return err
}

// owner is who owns an entry.
type owner struct{ uid, gid uint32 }

// landing is a place in the tree that a layer goes onto.
type landing struct {
	// name is the path with all links of the tree followed.
	name string
	// info is what is there; nil when nothing is.
	info fs.FileInfo
	// missing are the folders above name that do not exist, the highest
	// first.
	missing []string
}

// land follows a path of the image as far as it exists.
//
// A nil tree has nothing in it.
func land(tree *files.Tree, name string) (landing, error) {
	name = strings.Trim(path.Clean("/"+name), "/")
	if what := badName(name); what != "" {
		return landing{}, &Problem{Message: fmt.Sprintf("%q cannot be in an image: %s", "/"+name, what), Help: "name another path"}
	}
	if tree == nil {
		return landing{name: name, missing: above(name, "")}, nil
	}
	for at := name; ; at = path.Dir(at) {
		real, err := tree.Resolve(at)
		switch {
		case err == nil:
			if at == "." {
				at = ""
			}
			return landOn(tree, name, at, real)
		case errors.Is(err, syscall.ELOOP):
			return landing{}, tooManyLinks("/" + name)
		case at == "." || at == "" || !errors.Is(err, fs.ErrNotExist):
			return landing{}, err
		}
	}
}

// maxLinks is how many symbolic links a path may lead over, as in Linux.
const maxLinks = 40

func tooManyLinks(name string) error {
	return &Problem{
		Message: fmt.Sprintf("%q leads over more than %d symbolic links in the image", name, maxLinks),
		Help:    "name another path, or remove the links first",
	}
}

// landOn completes a landing whose part "at" exists and is "real".
func landOn(tree *files.Tree, name, at, real string) (landing, error) {
	info, err := tree.Lstat(real)
	if err != nil {
		return landing{}, err
	}
	if real == "." {
		real = ""
	}
	if at == name {
		return landing{name: real, info: info}, nil
	}
	if !info.IsDir() {
		return landing{}, &Problem{Message: fmt.Sprintf("%q is not a folder in the image, so %q cannot be made", "/"+at, "/"+name)}
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(name, at), "/")
	if to, dangles, err := followDangling(tree, real, rest); dangles || err != nil {
		if err != nil {
			return landing{}, err
		}
		return land(tree, to)
	}
	full := path.Join(real, rest)
	return landing{name: full, missing: above(full, real)}, nil
}

// followDangling says where a path below a folder leads when its first part,
// which does not lead to anything, is a link. What is made there is made where
// the link leads. Links in a circle are an error of Resolve before.
func followDangling(tree *files.Tree, dir, rest string) (to string, dangles bool, err error) {
	part, rest, _ := strings.Cut(rest, "/")
	at := path.Join(dir, part)
	info, err := tree.Lstat(at)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	target, err := tree.Readlink(at)
	if !path.IsAbs(target) {
		target = path.Join("/", dir, target)
	}
	return path.Join(target, rest), true, err
}

// above lists the folders between a path and one above it, without both.
func above(name, top string) []string {
	var list []string
	for dir := path.Dir(name); dir != "." && dir != "/" && dir != top; dir = path.Dir(dir) {
		list = append(list, dir)
	}
	slices.Reverse(list)
	return list
}
