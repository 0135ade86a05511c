// SPDX-License-Identifier: Apache-2.0

package transfer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/buildctx"
)

// Context returns the files of a build context, or of a folder with what was
// fetched. They belong to root, whoever owns them on disk, and their modes and
// times are those on disk.
func Context(c *buildctx.Context) Files { return onDisk{c} }

// onDisk is a build context.
type onDisk struct{ *buildctx.Context }

var _ Files = onDisk{}

func (d onDisk) Lstat(name string) (File, error) {
	info, err := d.Context.Lstat(name)
	if err != nil {
		return File{}, err
	}
	return d.file(name, info)
}

func (d onDisk) Walk(dir string, fn func(name string, f File) error) error {
	return d.Context.Walk(dir, func(e buildctx.Entry) error {
		f, err := d.file(e.Path, e.Info)
		if err != nil {
			return err
		}
		return fn(e.Path, f)
	})
}

// file describes a file on disk.
func (d onDisk) file(name string, info fs.FileInfo) (File, error) {
	n := &tree.Node{Mode: bits(info.Mode()), ModTime: info.ModTime()}
	switch info.Mode().Type() {
	case 0:
		n.Kind, n.Size = tree.File, info.Size()
	case fs.ModeDir:
		n.Kind = tree.Dir
	case fs.ModeSymlink:
		n.Kind, n.Mode = tree.Symlink, 0o777 // some systems give links a mode
		var err error
		if n.Target, err = d.Readlink(name); err != nil {
			return File{}, err
		}
	case fs.ModeNamedPipe:
		n.Kind = tree.Fifo
	case fs.ModeDevice:
		n.Kind = tree.BlockDevice
	case fs.ModeDevice | fs.ModeCharDevice:
		n.Kind = tree.CharDevice
	default:
		return File{}, nil
	}
	f := File{Node: n}
	if n.Kind == tree.File {
		f.ID = inode(info)
	} else if info.Mode()&fs.ModeDevice != 0 {
		n.Major, n.Minor = device(info)
	}
	return f, nil
}

func (d onDisk) Xattrs(name string, f File) (map[string]string, error) {
	if f.Node.Kind != tree.File && f.Node.Kind != tree.Dir {
		return nil, nil
	}
	return d.Context.Xattrs(name)
}

func (d onDisk) Open(name string, f File) (io.ReadCloser, error) {
	h, err := d.Context.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, changed(name, "it was removed")
	}
	if err != nil {
		return nil, unreadable(name, err)
	}
	s := &steady{h: h, name: name, want: f.Node}
	if err := s.check(); err != nil {
		h.Close()
		return nil, err
	}
	return s, nil
}

// steady reads a file that must stay as it was when the layer was planned: the
// header of a file is written before its content.
type steady struct {
	h    *os.File
	name string
	want *tree.Node
	read int64
}

// Read checks the file when the last of its bytes was read, and does not give
// them out when something is wrong: who counts bytes may ask for nothing more
// and look at no error that comes with the last ones.
func (s *steady) Read(p []byte) (int, error) {
	n, err := s.h.Read(p)
	s.read += int64(n)
	switch {
	case s.read >= s.want.Size && n > 0:
		if changed := s.check(); changed != nil {
			return 0, changed
		}
	case errors.Is(err, io.EOF) && s.read < s.want.Size:
		return n, changed(s.name, fmt.Sprintf("it shrank from %d bytes to %d", s.want.Size, s.read))
	}
	return n, err
}

// Close closes the file.
func (s *steady) Close() error { return s.h.Close() }

// check compares the file with what it was.
func (s *steady) check() error {
	info, err := s.h.Stat()
	switch {
	case err != nil:
		return unreadable(s.name, err)
	case !info.Mode().IsRegular():
		return changed(s.name, "something else took its place")
	case info.Size() < s.want.Size:
		return changed(s.name, fmt.Sprintf("it shrank from %d bytes to %d", s.want.Size, info.Size()))
	case info.Size() > s.want.Size:
		return changed(s.name, fmt.Sprintf("it grew from %d bytes to %d", s.want.Size, info.Size()))
	case !info.ModTime().Equal(s.want.ModTime):
		return changed(s.name, "it was written to")
	}
	return nil
}

// changed says that a file did not stay as it was.
func changed(name, how string) error {
	return &Problem{
		Message: fmt.Sprintf("the source %q changed while it was copied: %s", name, how),
		Help:    "build again when nothing writes to it",
	}
}
