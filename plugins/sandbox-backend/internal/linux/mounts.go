// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/jail"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/rootfs"
	"golang.org/x/sys/unix"
)

// mount prepares what one mount shows.
func (c *composer) mount(i int, m *mount) error {
	out := jail.Mount{Target: m.Target, ReadOnly: m.ReadOnly}
	var err error
	switch {
	case m.Tree != nil:
		out.Source, err = c.tree("bind-"+strconv.Itoa(i), m.Tree, m.ReadOnly)
	case m.Folder != nil:
		out.Source, err = m.Folder.Path, c.folder(i, m.Folder)
	case m.Tmpfs != nil:
		out.Size, out.Mode = m.Tmpfs.Size, 0o1777
	case m.Secret != nil:
		out.Source, out.ReadOnly = c.fresh(), true
		err = secret(out.Source, m)
	case m.Socket != nil:
		out.Source = c.fresh()
		err = c.socket(out.Source, m)
	default:
		err = errors.New("nothing is to be mounted")
	}
	c.add(out, m.Folder != nil || m.Tmpfs != nil || m.Tree != nil && m.Tree.Dir)
	return err
}

// tree makes part of a chain's tree on disk.
func (c *composer) tree(name string, s *subtree, readOnly bool) (string, error) {
	root, err := c.open(s.Chain, name, rootfs.Options{ReadOnly: readOnly})
	if err != nil {
		return "", err
	}
	return filepath.Join(root.Path(), s.Path), unlinked(root.Path(), s.Path)
}

// unlinked makes sure that a path in a tree has no link in it, as the index says:
// one would lead to the machine's files.
func unlinked(root, name string) error {
	dir, err := os.Open(root)
	if err != nil {
		return err
	}
	defer dir.Close()
	fd, err := unix.Openat2(int(dir.Fd()), name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS})
	if err != nil {
		return fmt.Errorf("finding %q in the tree: %w", name, err)
	}
	return unix.Close(fd)
}

// secret writes a secret.
func secret(name string, m *mount) error {
	s := m.Secret
	if err := os.WriteFile(name, s.Data, 0o600); err != nil {
		return err
	}
	return own(name, s.Mode, s.UID, s.GID)
}

func own(name string, mode, uid, gid uint32) error {
	if err := os.Chown(name, int(uid), int(gid)); err != nil {
		return fmt.Errorf("giving it to %d:%d: %w", uid, gid, err)
	}
	return os.Chmod(name, os.FileMode(mode&0o777))
}

// folder makes the folder of a cache when it is missing: aside and whole, since
// another command may be making the same one.
func (c *composer) folder(i int, f *folder) error {
	if _, err := os.Lstat(f.Path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh := filepath.Join(c.Temp, "folder-"+strconv.Itoa(i))
	if err := c.seed(i, f, fresh); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o700); err != nil {
		return err
	}
	err := os.Rename(fresh, f.Path)
	if errors.Is(err, fs.ErrExist) {
		return rootfs.RemoveAll(fresh)
	}
	return err
}

// seed makes a new folder, with a copy of its seed in it.
func (c *composer) seed(i int, f *folder, fresh string) error {
	if f.Seed == nil {
		if err := os.Mkdir(fresh, 0o700); err != nil {
			return err
		}
		return own(fresh, f.Mode, f.UID, f.GID)
	}
	from, err := c.tree("seed-"+strconv.Itoa(i), f.Seed, true)
	if err != nil {
		return err
	}
	return rootfs.CopyTree(from, fresh)
}

// socket listens on a socket of ours, whose owner and mode are as wanted, and
// relays it to one of the machine.
func (c *composer) socket(name string, m *mount) error {
	// A socket's path must be short.
	if err := os.Chdir(c.private); err != nil {
		return err
	}
	defer os.Chdir("/") //nolint:errcheck // nothing depends on it
	l, err := net.Listen("unix", filepath.Base(name))
	if err != nil {
		return err
	}
	go relay(l, m.Socket.Path)
	return own(name, m.Socket.Mode, m.Socket.UID, m.Socket.GID)
}

// relay connects each caller of l with the socket, until l is closed.
func relay(l net.Listener, socket string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial("unix", socket)
			if err != nil {
				return
			}
			defer out.Close()
			go io.Copy(out, in) //nolint:errcheck // either side may hang up
			io.Copy(in, out)    //nolint:errcheck // either side may hang up
		}()
	}
}
