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

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/unpack"
)

// isArchive says whether a file is a tar, packed or not. Anything that cannot
// be read as one is not.
func isArchive(s *source) (bool, error) {
	f, err := s.files.Open(s.path, s.file)
	if err != nil {
		return false, unreadable(s.path, err)
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
	if p.fresh && !p.into {
		if err := p.draft.put(p.dest, p.folder()); err != nil {
			return err
		}
	}
	f, err := s.files.Open(s.path, s.file)
	if err != nil {
		return unreadable(s.path, err)
	}
	defer f.Close()
	plain, err := unpack.Reader(f)
	if err != nil {
		return damaged(s.path, err)
	}
	defer plain.Close()
	spool, err := os.CreateTemp(p.Temp, "archive-*")
	if err != nil {
		return fmt.Errorf("unpacking the archive %q: %w", s.path, err)
	}
	p.draft.chroot(p.dest)
	defer p.draft.chroot(".")
	u := unpacker{planner: p, name: s.path, spool: spool, members: map[string]*item{}}
	return errors.Join(u.all(tar.NewReader(plain)), spool.Close())
}

// damaged says what is the matter with an archive.
func damaged(name string, err error) error {
	if problem := new(Problem); errors.As(err, &problem) {
		return problem
	}
	return &Problem{Message: fmt.Sprintf("the archive %q is damaged: %v", name, err), Help: "make it anew, or copy it as it is with COPY"}
}

// unpacker puts the members of a tar into the draft. Their content waits in
// one file until the layer is written.
type unpacker struct {
	*planner
	name  string
	spool *os.File
	// size is that of the spool so far.
	size int64
	// members are the files so far, by their names in the archive.
	members map[string]*item
}

func (u *unpacker) all(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(u.name, err)
		}
		if err := u.member(h, t); err != nil {
			return err
		}
	}
}

// kinds are the types of members that a tree can hold, but for hard links.
var kinds = map[byte]tree.Kind{
	tar.TypeReg: tree.File, tar.TypeCont: tree.File, tar.TypeGNUSparse: tree.File, tar.TypeDir: tree.Dir, tar.TypeSymlink: tree.Symlink,
	tar.TypeChar: tree.CharDevice, tar.TypeBlock: tree.BlockDevice, tar.TypeFifo: tree.Fifo,
}

// member adds one member. Where its name would leave the destination it stops
// there.
func (u *unpacker) member(h *tar.Header, content io.Reader) error {
	name := inside(h.Name)
	if name == "." {
		return nil
	}
	i, err := u.item(name, h, content)
	if i == nil || err != nil {
		return err
	}
	u.members[name] = i
	if u.excluded(name) {
		return nil
	}
	return u.draft.put(path.Join(u.dest, name), i)
}

// inside makes a name of an archive one that stays below the destination.
func inside(name string) string {
	return path.Join(".", path.Clean("/"+name))
}

// item makes a file of a member; nil for what a tree cannot hold.
func (u *unpacker) item(name string, h *tar.Header, content io.Reader) (*item, error) {
	if h.Typeflag == tar.TypeLink {
		return u.hardLink(name, inside(h.Linkname))
	}
	kind, ok := kinds[h.Typeflag]
	if !ok {
		return nil, nil
	}
	n, err := u.header(kind, h)
	if err != nil {
		return nil, damaged(u.name, fmt.Errorf("member %q: %w", h.Name, err))
	}
	i := &item{node: n, from: name}
	if kind == tree.File {
		i.id = n
		i.open, err = u.keep(n.Size, content)
	}
	return i, err
}

// header describes a member as the layer has it, with all extended attributes
// but those that overlay file systems keep their secrets in.
func (u *unpacker) header(kind tree.Kind, h *tar.Header) (*tree.Node, error) {
	n := &tree.Node{
		Kind: kind, Mode: uint32(h.Mode & 0o7777), ModTime: h.ModTime,
		UID: uint32(h.Uid), GID: uint32(h.Gid), Major: uint32(h.Devmajor), Minor: uint32(h.Devminor),
	}
	for _, number := range []int64{int64(h.Uid), int64(h.Gid), h.Devmajor, h.Devminor} {
		if number < 0 || number > math.MaxUint32 {
			return nil, fmt.Errorf("%d is no owner and no device", number)
		}
	}
	switch {
	case kind == tree.File:
		n.Size = h.Size
	case kind == tree.Symlink:
		n.Target = h.Linkname
	}
	for key, value := range h.PAXRecords {
		attr, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if ok && !strings.HasPrefix(attr, "trusted.overlay.") && !strings.HasPrefix(attr, "user.overlay.") {
			if n.Xattrs == nil {
				n.Xattrs = map[string]string{}
			}
			n.Xattrs[attr] = value
		}
	}
	u.change(n)
	return n, nil
}

// hardLink gives a member another name.
func (u *unpacker) hardLink(name, target string) (*item, error) {
	first := u.members[target]
	if first == nil || first.node.Kind == tree.Dir {
		return nil, damaged(u.name, fmt.Errorf("%q is a hard link to %q, and no such file comes before it", name, target))
	}
	if first.id == nil {
		first.id = first.node
	}
	second := *first
	second.from = name
	return &second, nil
}

// keep stores the content of a member, and returns what opens it.
func (u *unpacker) keep(size int64, content io.Reader) (func() (io.ReadCloser, error), error) {
	if size == 0 {
		return nil, nil
	}
	in := &watched{Reader: content}
	switch _, err := io.CopyN(u.spool, in, size); {
	case in.err != nil:
		return nil, damaged(u.name, in.err)
	case err != nil:
		return nil, fmt.Errorf("unpacking the archive %q: %w", u.name, err)
	}
	start, file := u.size, u.spool.Name()
	u.size += size
	return func() (io.ReadCloser, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		return section{io.NewSectionReader(f, start, size), f}, nil
	}, nil
}

// watched remembers why reading failed, to tell it from why writing did.
type watched struct {
	io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// section is a part of a file.
type section struct {
	io.Reader
	io.Closer
}
