// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"golang.org/x/sys/unix"
)

// file adds one file, folder, link or device. rel is its path for --exclude;
// empty for what is never excluded.
func (p *planner) file(tree *files.Tree, from string, info fs.FileInfo, to, rel string, keep bool) error {
	if rel != "" {
		if _, hidden := p.exclude.Excluded(rel); hidden {
			return nil
		}
	}
	i, err := p.entry(tree, from, info, keep)
	if err != nil || i == nil {
		return err
	}
	i.header.ModTime = p.when(from, info, keep)
	p.layer.put(to, i)
	return nil
}

// when is the time that a file of a source has in the layer. The root of an
// image or stage has none of its own: few layers give it one.
func (p *planner) when(from string, info fs.FileInfo, keep bool) time.Time {
	switch {
	case !p.time.IsZero():
		return p.time
	case keep && from == ".":
		return Epoch
	}
	return info.ModTime()
}

// entry describes a file. It is nil for a socket, which no layer can hold.
func (p *planner) entry(tree *files.Tree, from string, info fs.FileInfo, keep bool) (*item, error) {
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		var err error
		if link, err = tree.Readlink(from); err != nil {
			return nil, err
		}
	}
	if info.Mode()&fs.ModeSocket != 0 {
		return nil, nil
	}
	h, err := tar.FileInfoHeader(plainInfo{info}, link)
	if err != nil {
		return nil, err
	}
	st, _ := info.Sys().(*syscall.Stat_t)
	i := &item{header: tar.Header{Typeflag: h.Typeflag, Linkname: link, Size: h.Size, Mode: octal(info.Mode())}}
	if info.Mode()&fs.ModeSymlink == 0 {
		i.header.Mode = octal(p.chmod(info.Mode()))
	}
	p.setOwner(&i.header, st, keep)
	if st != nil && info.Mode()&fs.ModeDevice != 0 {
		i.header.Devmajor, i.header.Devminor = int64(unix.Major(st.Rdev)), int64(unix.Minor(st.Rdev))
	}
	if st != nil && info.Mode().IsRegular() && st.Nlink > 1 {
		i.inode = &inode{st.Dev, st.Ino}
	}
	if err := xattrs(tree.Path(from), &i.header); err != nil {
		return nil, err
	}
	i.open = func() (io.ReadCloser, error) { return tree.Open(from) }
	return i, nil
}

// plainInfo hides the platform's data, so that no user is looked up on the
// machine.
type plainInfo struct{ fs.FileInfo }

func (plainInfo) Sys() any { return nil }

func (p *planner) setOwner(h *tar.Header, st *syscall.Stat_t, keep bool) {
	o := p.maker()
	if p.own == nil && keep && st != nil {
		o = owner{st.Uid, st.Gid}
	}
	h.Uid, h.Gid = int(o.uid), int(o.gid)
}

// xattrs copies the extended attributes that belong into a layer.
func xattrs(path string, h *tar.Header) error {
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ERANGE) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listing extended attributes: %w", err)
	}
	for _, name := range strings.Split(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if name != "security.capability" && (!strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "user.overlay.")) {
			continue
		}
		value := make([]byte, 64<<10)
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return fmt.Errorf("reading extended attribute %s: %w", name, err)
		}
		if h.PAXRecords == nil {
			h.PAXRecords = map[string]string{}
		}
		h.PAXRecords["SCHILY.xattr."+name] = string(value[:n])
	}
	return nil
}
