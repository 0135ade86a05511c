// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// found is a file on disk.
type found struct {
	name string
	// node is what it is. Nil: the command removed the name.
	node *tree.Node
	// dev and ino are its identity when it has more than one name, else 0.
	dev, ino uint64
	// fresh says that a folder hides all that the tree has in it.
	fresh bool
	// strange says that it has an owner that is not mapped.
	strange bool
}

// scanner reads a folder that a command could write to. Nothing writes to it
// any more.
type scanner struct {
	place *place
	id    ids
	// skip says that a file needs no closer look: it and what it has are left
	// out, but what is in a folder is not.
	skip func(name string, st *unix.Stat_t) bool
	// overlay says that whiteouts and opaque folders are those of overlay.
	overlay bool
	// odd counts files that no layer can have.
	odd int
	out []found
}

// all reads a folder by its path on the machine, itself first.
func (s *scanner) all(path string) error {
	var err error
	if s.place, err = openPlace(path); err != nil {
		return err
	}
	defer s.place.close()
	root, _, err := s.file(".")
	if err != nil {
		return err
	}
	if root.name != "" {
		s.out = append(s.out, root)
	}
	return s.folder(".")
}

// folder reads what is in a folder. Only one folder is open at a time, however
// deep they are.
func (s *scanner) folder(name string) error {
	bases, err := s.names(name)
	if err != nil {
		return err
	}
	var here []found
	var deeper []bool
	for _, base := range bases {
		f, isDir, err := s.file(join(name, base))
		if err != nil {
			return err
		}
		here, deeper = append(here, f), append(deeper, isDir)
	}
	for i, f := range here {
		if f.name != "" {
			s.out = append(s.out, f)
		}
		if deeper[i] {
			if err := s.folder(join(name, bases[i])); err != nil {
				return err
			}
		}
	}
	return nil
}

// names returns the sorted names in a folder.
func (s *scanner) names(name string) ([]string, error) {
	at, err := s.place.at(name)
	if err != nil {
		return nil, err
	}
	fd, err := openAny(at, openFolder, 0)
	if err != nil {
		return nil, fmt.Errorf("folder %q: %w", name, err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	bases, err := f.Readdirnames(-1)
	slices.Sort(bases)
	return bases, err
}

// file looks at one file. The answer has no name when it is to be left out.
func (s *scanner) file(name string) (f found, isDir bool, err error) {
	if err := tree.CheckName(name); err != nil {
		return found{}, false, fmt.Errorf("the command left a file that no layer can have, %q: %w", shorten(name), err)
	}
	at, err := s.place.at(name)
	if err != nil {
		return found{}, false, err
	}
	var st unix.Stat_t
	if err := unix.Fstatat(at.fd, at.base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return found{}, false, fmt.Errorf("file %q: %w", name, err)
	}
	isDir = st.Mode&unix.S_IFMT == unix.S_IFDIR
	if s.skip != nil && s.skip(name, &st) {
		return found{}, isDir, nil
	}
	f, err = s.look(at, name, &st)
	if err != nil {
		return found{}, false, fmt.Errorf("file %q: %w", name, err)
	}
	return f, isDir, nil
}

// look describes a file.
func (s *scanner) look(at spot, name string, st *unix.Stat_t) (found, error) {
	f := found{name: name, node: toNode(st)}
	f.node.UID, f.node.GID, f.strange = s.id.seen(st.Uid, st.Gid)
	var err error
	switch {
	case f.node.Kind == socket:
		s.odd++
		return found{}, nil
	case whiteout(f.node) && s.overlay:
		f.node = nil
	case whiteout(f.node):
		s.odd++
		return found{}, nil
	case f.node.Kind == tree.Symlink:
		f.node.Target, err = readlink(at)
	case f.node.Kind == tree.File || f.node.Kind == tree.Dir:
		err = s.attributes(at, &f)
	}
	if f.node != nil && f.node.Kind == tree.File && st.Nlink > 1 {
		f.dev, f.ino = uint64(st.Dev), st.Ino
	}
	return f, err
}

// attributes reads the extended attributes of a file or folder.
func (s *scanner) attributes(at spot, f *found) error {
	flags := unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	if f.node.Kind == tree.Dir {
		flags = openFolder
	}
	fd, err := openAny(at, flags, f.node.Mode)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if s.overlay && f.node.Kind == tree.Dir {
		f.fresh = isOpaque(fd)
	}
	f.node.Xattrs, err = xattrs(fd)
	return err
}

// socket is the kind of files that no layer has.
const socket = tree.Kind(255)

// whiteout says that a device is the one by which overlay removes a name.
func whiteout(n *tree.Node) bool {
	return n.Kind == tree.CharDevice && n.Major == 0 && n.Minor == 0
}

// toNode is what a file's status says, but for its owner.
func toNode(st *unix.Stat_t) *tree.Node {
	n := &tree.Node{Mode: uint32(st.Mode) & 0o7777, ModTime: time.Unix(int64(st.Mtim.Sec), int64(st.Mtim.Nsec)).UTC()}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		n.Kind, n.Size = tree.File, st.Size
	case unix.S_IFDIR:
		n.Kind = tree.Dir
	case unix.S_IFLNK:
		n.Kind, n.Mode = tree.Symlink, 0o777
	case unix.S_IFIFO:
		n.Kind = tree.Fifo
	case unix.S_IFCHR:
		n.Kind = tree.CharDevice
	case unix.S_IFBLK:
		n.Kind = tree.BlockDevice
	default:
		n.Kind = socket
	}
	if n.Kind == tree.CharDevice || n.Kind == tree.BlockDevice {
		n.Major, n.Minor = unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
	}
	return n
}

// readlink returns where a symbolic link leads.
func readlink(at spot) (string, error) {
	buf := make([]byte, 4096)
	n, err := unix.Readlinkat(at.fd, at.base, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// openAny opens a file, even one that its mode does not let anybody read. For
// that it gets another mode, and keeps it: what was there is known already, and
// the file is thrown away in the end. The superuser never needs it.
func openAny(at spot, flags int, mode uint32) (int, error) {
	fd, err := openat(at.fd, at.base, flags, 0)
	if !errors.Is(err, unix.EACCES) {
		return fd, err
	}
	if err := unix.Fchmodat(at.fd, at.base, mode|0o700, 0); err != nil {
		return -1, err
	}
	return openat(at.fd, at.base, flags, 0)
}

// shorten is the beginning of a long name.
func shorten(name string) string {
	if len(name) > 200 {
		return name[:200] + "…"
	}
	return name
}
