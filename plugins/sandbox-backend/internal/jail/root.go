// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// enter makes Root the root of the thread and mounts all that the command
// sees. Nothing of the machine's tree is left.
//
// Until then the working directory is the machine's root, so that a path with a
// leading "/" is one of the command's tree and a path without one is one of the
// machine; the kernel follows links in each as it should.
func (s *Spec) enter() error {
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening the root folder: %w", err)
	}
	defer unix.Close(fd)
	if err := pivot(s.Root); err != nil {
		return fmt.Errorf("entering the file tree %q: %w", s.Root, err)
	}
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	if err := furnish(); err != nil {
		return err
	}
	for _, m := range s.Mounts {
		if err := m.mount(); err != nil {
			return fmt.Errorf("mounting on %q: %w", m.Target, err)
		}
	}
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the machine's file tree: %w", err)
	}
	return unix.Chdir("/")
}

// pivot makes a folder the root of the mount namespace. The old root is mounted
// over it, where only who holds on to it can reach it.
func pivot(root string) error {
	if err := unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := remount(root, unix.MS_NODEV); err != nil {
		return err
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	return unix.PivotRoot(".", ".")
}

func (m *Mount) mount() error {
	if m.Source == "" {
		if err := place(m.Target, true); err != nil {
			return err
		}
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
		if m.ReadOnly {
			flags |= unix.MS_RDONLY
		}
		return unix.Mount("tmpfs", m.Target, "tmpfs", flags, memory(m.Mode, m.Size))
	}
	source := strings.TrimPrefix(m.Source, "/")
	info, err := os.Stat(source)
	if err != nil {
		return err
	}
	if err := place(m.Target, info.IsDir()); err != nil {
		return err
	}
	return bind(source, m.Target, m.ReadOnly)
}

// memory are the options of a file system in memory.
func memory(mode uint32, size int64) string {
	options := "mode=" + strconv.FormatUint(uint64(mode), 8)
	if size > 0 {
		options += ",size=" + strconv.FormatInt(size, 10)
	}
	return options
}

// bind shows a file or folder of the machine at a path of the command's tree.
func bind(source, target string, readOnly bool) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
	if readOnly {
		flags |= unix.MS_RDONLY
	}
	return remount(target, flags)
}

// remount adds flags to those that a mount has.
func remount(target string, flags uintptr) error {
	var st unix.Statfs_t
	if err := unix.Statfs(target, &st); err != nil {
		return err
	}
	return unix.Mount("", target, "", unix.MS_REMOUNT|unix.MS_BIND|flags|mountFlags(st.Flags), "")
}

// mountFlags are those of the flags of statfs(2) that a remount must repeat,
// since a user namespace cannot take them off what it did not mount.
func mountFlags(st int64) uintptr {
	var flags uintptr
	for from, to := range map[int64]uintptr{
		unix.ST_RDONLY: unix.MS_RDONLY, unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_NODIRATIME: unix.MS_NODIRATIME, unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if st&from != 0 {
			flags |= to
		}
	}
	return flags
}

// place makes sure that there is a folder or file to mount on.
func place(target string, dir bool) error {
	info, err := os.Stat(target)
	switch {
	case err == nil && info.IsDir() == dir:
		return nil
	case err == nil:
		return fmt.Errorf("it is %s in the image", kind(info))
	case !os.IsNotExist(err):
		return err
	case dir:
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(path.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}

func kind(info fs.FileInfo) string {
	if info.IsDir() {
		return "a folder"
	}
	return "not a folder"
}
