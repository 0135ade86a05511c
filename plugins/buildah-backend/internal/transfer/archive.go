// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"strings"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/unpack"
)

// isArchive says whether a file is a tar, packed or not. Anything that cannot
// be read as one is not.
func isArchive(tree *files.Tree, name string) (bool, error) {
	f, err := tree.Open(name)
	if err != nil {
		return false, unreadable(name, err)
	}
	defer f.Close()
	plain, err := unpack.Reader(f)
	if err != nil {
		return false, nil
	}
	defer plain.Close()
	_, err = tar.NewReader(plain).Next()
	return err == nil, nil
}

// archive adds what a tar holds.
func (p *planner) archive(s source) error {
	f, err := s.tree.Open(s.path)
	if err != nil {
		return unreadable(s.name, err)
	}
	defer f.Close()
	plain, err := unpack.Reader(f)
	if err != nil {
		return err
	}
	defer plain.Close()
	if p.fresh && !p.into {
		p.layer.put(p.dest, p.folder())
	}
	u := unpacker{planner: p, places: places{layer: p.layer, top: p.dest, onto: p.onto()}, members: map[string]*item{}}
	if u.out, err = os.CreateTemp(p.Scratch, "archive-*"); err != nil {
		return err
	}
	defer u.out.Close()
	return u.all(s.name, tar.NewReader(plain))
}

// unpacker turns the members of a tar into entries of the layer. Their content
// waits in one file until the layer is written.
type unpacker struct {
	*planner
	places places
	// members are the files so far, by their names in the tar.
	members map[string]*item
	out     *os.File
	at      int64
}

func (u *unpacker) all(name string, t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = u.member(h, t)
		}
		if problem := new(Problem); errors.As(err, &problem) {
			return err
		}
		if err != nil {
			return &Problem{Message: fmt.Sprintf("the archive %q is damaged: %v", name, err)}
		}
	}
}

// member adds one entry of a tar. Where a name would leave the destination it
// stops there.
func (u *unpacker) member(h *tar.Header, content io.Reader) error {
	name := strings.Trim(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil
	}
	i, err := u.item(h, content)
	if i == nil || err != nil {
		return err
	}
	u.members[name] = i
	if _, hidden := u.exclude.Excluded(name); hidden {
		return nil
	}
	return u.places.put(name, i)
}

// item makes an entry of a member; nil for what a layer cannot hold.
func (u *unpacker) item(h *tar.Header, content io.Reader) (*item, error) {
	switch h.Typeflag {
	case tar.TypeLink:
		return u.hardLink(h)
	case tar.TypeReg:
		i := u.entry(h)
		return i, u.keep(i, content)
	case tar.TypeDir, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return u.entry(h), nil
	}
	return nil, nil
}

// entry copies what of a header belongs into a layer.
func (u *unpacker) entry(h *tar.Header) *item {
	i := &item{header: tar.Header{
		Typeflag: h.Typeflag, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode & 0o7777, ModTime: h.ModTime,
		Uid: h.Uid, Gid: h.Gid, Devmajor: h.Devmajor, Devminor: h.Devminor,
	}}
	if u.own != nil {
		i.header.Uid, i.header.Gid = int(u.own.uid), int(u.own.gid)
	}
	if u.mode != nil && h.Typeflag != tar.TypeSymlink {
		i.header.Mode = octal(u.mode(h.FileInfo().Mode()))
	}
	for key, value := range h.PAXRecords {
		if strings.HasPrefix(key, "SCHILY.xattr.") {
			if i.header.PAXRecords == nil {
				i.header.PAXRecords = map[string]string{}
			}
			i.header.PAXRecords[key] = value
		}
	}
	return i
}

// hardLink gives a member another name.
func (u *unpacker) hardLink(h *tar.Header) (*item, error) {
	first := u.members[strings.Trim(path.Clean("/"+h.Linkname), "/")]
	if first == nil || first.header.Typeflag == tar.TypeDir {
		return nil, fmt.Errorf("%q is a hard link to %q, and no such file comes before it", h.Name, h.Linkname)
	}
	if first.inode == nil {
		u.layer.shared++
		first.inode = &inode{dev: math.MaxUint64, ino: u.layer.shared}
	}
	second := *first
	return &second, nil
}

// keep stores the content of a member.
func (u *unpacker) keep(i *item, content io.Reader) error {
	n, err := io.Copy(u.out, content)
	start, spool := u.at, u.out.Name()
	u.at += n
	i.open = func() (io.ReadCloser, error) {
		f, err := os.Open(spool)
		if err != nil {
			return nil, err
		}
		return section{io.NewSectionReader(f, start, n), f}, nil
	}
	return err
}

// section is a part of a file.
type section struct {
	io.Reader
	io.Closer
}
