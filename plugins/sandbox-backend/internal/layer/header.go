// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"path"
	"strings"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// The names of whiteouts (OCI image-spec, layer.md, "Whiteouts").
const (
	whiteout     = ".wh."
	whiteoutMeta = ".wh..wh."
	opaque       = ".wh..wh..opq"
)

// xattr is how the names of PAX records of extended attributes begin.
const xattr = "SCHILY.xattr."

// linkMode is the mode of all symbolic links, as Linux has it.
const linkMode = 0o777

// skip says that a header is no change: bookkeeping of tar or of a storage
// driver.
var errSkip = errors.New("no change")

// fromHeader returns the change that a tar entry is; errSkip when it is none.
func fromHeader(h *tar.Header) (tree.Change, error) {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return tree.Change{}, errSkip
	}
	name, err := cleanName(h.Name)
	if err != nil {
		return tree.Change{}, err
	}
	if c, ok, err := fromWhiteout(name); ok || err != nil {
		return c, err
	}
	if h.Typeflag == tar.TypeLink {
		target, err := cleanName(h.Linkname)
		if err != nil {
			return tree.Change{}, fmt.Errorf("hard link to %q: %w", h.Linkname, err)
		}
		return tree.Change{Op: tree.Link, Name: name, Target: target}, nil
	}
	n, err := fromFile(h)
	return tree.Change{Name: name, Node: n}, err
}

// cleanName returns the name that a tar entry means. An absolute one is that
// of the root of the image, as for all that unpack layers.
func cleanName(name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", errors.New("the name leads out of the layer by \"..\"")
		}
	}
	if name == "" {
		return "", errors.New("the name is empty")
	}
	clean := path.Clean("/" + name)[1:]
	if clean == "" {
		return ".", nil
	}
	return clean, tree.CheckName(clean)
}

// fromWhiteout returns the change of a whiteout; ok is false for other names.
func fromWhiteout(name string) (c tree.Change, ok bool, err error) {
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	switch {
	case base == opaque:
		return tree.Change{Op: tree.Clear, Name: dir}, true, nil
	case strings.HasPrefix(name, whiteoutMeta) || strings.Contains(name, "/"+whiteoutMeta):
		return tree.Change{}, false, errSkip
	case !strings.HasPrefix(base, whiteout):
		return tree.Change{}, false, nil
	}
	switch base = base[len(whiteout):]; base {
	case "", ".", "..":
		return tree.Change{}, false, errors.New("the whiteout names nothing")
	}
	return tree.Change{Op: tree.Remove, Name: path.Join(dir, base)}, true, nil
}

// fromFile returns the file of a tar entry.
func fromFile(h *tar.Header) (*tree.Node, error) {
	kind, ok := kinds[h.Typeflag]
	switch {
	case !ok:
		return nil, fmt.Errorf("the type of entry %q is unknown", h.Typeflag)
	case !id(h.Uid) || !id(h.Gid):
		return nil, fmt.Errorf("the owner %d:%d is out of range", h.Uid, h.Gid)
	}
	n := &tree.Node{Kind: kind, Mode: uint32(h.Mode & 0o7777), UID: uint32(h.Uid), GID: uint32(h.Gid), ModTime: h.ModTime.UTC()}
	switch kind {
	case tree.File:
		n.Size = h.Size
	case tree.Symlink:
		n.Mode, n.Target = linkMode, h.Linkname
	case tree.CharDevice, tree.BlockDevice:
		if !id(int(h.Devmajor)) || !id(int(h.Devminor)) {
			return nil, fmt.Errorf("the device %d:%d is out of range", h.Devmajor, h.Devminor)
		}
		n.Major, n.Minor = uint32(h.Devmajor), uint32(h.Devminor)
	}
	return n, readXattrs(n, h.PAXRecords)
}

// kinds are the types of tar entries.
var kinds = map[byte]tree.Kind{
	tar.TypeReg:       tree.File,
	tar.TypeCont:      tree.File,
	tar.TypeGNUSparse: tree.File,
	tar.TypeDir:       tree.Dir,
	tar.TypeSymlink:   tree.Symlink,
	tar.TypeChar:      tree.CharDevice,
	tar.TypeBlock:     tree.BlockDevice,
	tar.TypeFifo:      tree.Fifo,
}

// types are the kinds of files in a tar.
var types = map[tree.Kind]byte{
	tree.File:        tar.TypeReg,
	tree.Dir:         tar.TypeDir,
	tree.Symlink:     tar.TypeSymlink,
	tree.CharDevice:  tar.TypeChar,
	tree.BlockDevice: tar.TypeBlock,
	tree.Fifo:        tar.TypeFifo,
}

// id reports whether a number fits into an owner or half a device number.
func id(n int) bool { return n >= 0 && int64(n) <= math.MaxUint32 }

// What Linux takes as the name and value of an extended attribute (limits.h).
const (
	maxXattrName  = 255
	maxXattrValue = 64 << 10
)

// readXattrs takes the extended attributes from PAX records.
func readXattrs(n *tree.Node, records map[string]string) error {
	for key, value := range records {
		name, ok := strings.CutPrefix(key, xattr)
		switch {
		case !ok:
			continue
		case name == "" || len(name) > maxXattrName || len(value) > maxXattrValue:
			return fmt.Errorf("the extended attribute %.300q is larger than Linux takes", name)
		}
		if n.Xattrs == nil {
			n.Xattrs = map[string]string{}
		}
		n.Xattrs[name] = value
	}
	return nil
}

// NameError is a file that no layer can hold: its name would be read as a
// whiteout (OCI image-spec, layer.md, "Whiteouts").
type NameError struct {
	// Name is the file's.
	Name string
}

// Error says so.
func (e *NameError) Error() string {
	return fmt.Sprintf("%q cannot be in an image: names that begin with %q mean that a file is removed", "/"+e.Name, whiteout)
}

// toHeader returns the tar entry of a change. Only what an image keeps is in
// it: owners have no names, times no fractions.
func toHeader(c tree.Change) (*tar.Header, error) {
	dir, base := path.Split(c.Name)
	switch c.Op {
	case tree.Clear:
		return emptyHeader(path.Join(c.Name, opaque)), nil
	case tree.Remove:
		return emptyHeader(dir + whiteout + base), nil
	}
	if strings.HasPrefix(base, whiteout) {
		return nil, &NameError{c.Name}
	}
	if c.Op == tree.Link {
		h := emptyHeader(c.Name)
		h.Typeflag, h.Linkname = tar.TypeLink, c.Target
		return h, nil
	}
	return fileHeader(c.Name, c.Node), nil
}

// emptyHeader returns the tar entry of something without attributes.
func emptyHeader(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, ModTime: time.Unix(0, 0)}
}

// fileHeader returns the tar entry of a file.
func fileHeader(name string, n *tree.Node) *tar.Header {
	h := &tar.Header{
		Typeflag: types[n.Kind],
		Name:     name,
		Linkname: n.Target,
		Mode:     int64(n.Mode),
		Uid:      int(n.UID),
		Gid:      int(n.GID),
		ModTime:  n.ModTime,
		Devmajor: int64(n.Major),
		Devminor: int64(n.Minor),
	}
	switch n.Kind {
	case tree.File:
		h.Size = n.Size
	case tree.Dir:
		h.Name += "/"
	}
	if len(n.Xattrs) > 0 {
		h.PAXRecords = map[string]string{}
		for name, value := range n.Xattrs {
			h.PAXRecords[xattr+name] = value
		}
	}
	return h
}
