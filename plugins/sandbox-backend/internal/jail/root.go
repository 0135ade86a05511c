// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// enter makes Root the root of the thread and mounts all that the command
// sees. Nothing of the machine's tree is left.
//
// While the machine's tree is still there, it is mounted over the new root, and
// a ".." at the root leads into it. So only folders that are surely none of the
// image's links are mounted on then, and the Mounts, whose targets may lead
// anywhere, wait for their place apart.
func (s *Spec) enter() error {
	sources, err := s.detach()
	if err != nil {
		return err
	}
	fd, err := unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening the root folder: %w", err)
	}
	defer unix.Close(fd)
	if err := pivot(s.Root); err != nil {
		return fmt.Errorf("entering the file tree %q: %w", s.Root, err)
	}
	// A path with a leading "/" now is one of the command's tree, and one
	// without is one of the machine.
	if err := unix.Fchdir(fd); err != nil {
		return err
	}
	if err := furnish(); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the machine's file tree: %w", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	for i, m := range s.Mounts {
		if err := m.mount(sources[i]); err != nil {
			return fmt.Errorf("mounting on %q: %w", m.Target, err)
		}
	}
	return nil
}

// PlaceError says that a path of the command's tree cannot be mounted on.
type PlaceError struct {
	// Err says why.
	Err error
}

// Error describes the problem.
func (e *PlaceError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PlaceError) Unwrap() error { return e.Err }

// detach makes a mount of each source, which is nowhere yet. The file is nil
// for what has no source.
func (s *Spec) detach() ([]*os.File, error) {
	sources := make([]*os.File, len(s.Mounts))
	for i, m := range s.Mounts {
		if m.Source == "" {
			continue
		}
		fd, err := unix.OpenTree(unix.AT_FDCWD, m.Source, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		if err != nil {
			return nil, fmt.Errorf("taking hold of %q: %w", m.Source, err)
		}
		sources[i] = os.NewFile(uintptr(fd), m.Source)
	}
	return sources, nil
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

func (m *Mount) mount(source *os.File) error {
	dir := true
	if source != nil {
		defer source.Close()
		info, err := source.Stat()
		if err != nil {
			return err
		}
		dir = info.IsDir()
	}
	at, err := place(m.Target, dir)
	if err != nil {
		return &PlaceError{err}
	}
	defer at.Close()
	if source == nil {
		flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV)
		if m.ReadOnly {
			flags |= unix.MS_RDONLY
		}
		return unix.Mount("tmpfs", opened(at), "tmpfs", flags, memory(m.Mode, m.Size))
	}
	const how = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(int(source.Fd()), "", int(at.Fd()), "", how); err != nil {
		return err
	}
	return restrict(opened(source), m.ReadOnly)
}

// opened is a path of an open file, wherever it is.
func opened(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }

// memory are the options of a file system in memory.
func memory(mode uint32, size int64) string {
	options := "mode=" + strconv.FormatUint(uint64(mode), 8)
	if size > 0 {
		options += ",size=" + strconv.FormatInt(size, 10)
	}
	return options
}

// restrict takes from a mount what it needs not be good for.
func restrict(target string, readOnly bool) error {
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

// place opens a folder or file to mount on, and makes it when it is missing.
func place(target string, dir bool) (*os.File, error) {
	f, err := reach(target, dir)
	if err != nil {
		return nil, err
	}
	if err := fits(f, dir); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// fits says why something cannot be mounted on a file. What is in the place of
// /proc could mislead what is mounted later.
func fits(f *os.File, dir bool) error {
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &st); err != nil {
		return err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case st.Type == unix.PROC_SUPER_MAGIC:
		return errors.New("it leads to /proc, which is the kernel's")
	case info.IsDir() != dir:
		return fmt.Errorf("it is %s in the image", kind(info))
	}
	return nil
}

// reach opens what a path leads to. What is missing is made, the folders above
// it too.
func reach(target string, dir bool) (*os.File, error) {
	f, err := follow(target)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	up, err := reach(path.Dir(target), true)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	if err := create(up, path.Base(target), dir); err != nil {
		return nil, &fs.PathError{Op: "making", Path: target, Err: err}
	}
	return follow(target)
}

// follow opens what a path leads to, but for the links of /proc to the root,
// working directory and open files of a process. They are no names but the
// thing itself: the command may not look into process 1 by them, and this
// thread, which may, would hand it the machine's folders.
func follow(name string) (*os.File, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(unix.AT_FDCWD, name, &how)
	switch err {
	case nil:
		return os.NewFile(uintptr(fd), name), nil
	case unix.ELOOP:
		return nil, fmt.Errorf("%q leads in a circle, or into a process by a link of /proc", name)
	case unix.ENOSYS:
		return nil, errors.New("Linux 5.6 or later is needed (openat2)")
	}
	return nil, &fs.PathError{Op: "opening", Path: name, Err: err}
}

// create makes an empty file or folder; not where a link is.
func create(dir *os.File, base string, isDir bool) error {
	if isDir {
		return unix.Mkdirat(int(dir.Fd()), base, 0o755)
	}
	fd, err := unix.Openat(int(dir.Fd()), base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0o644)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// realDir makes sure that a name in the root folder is a folder and no link.
func realDir(name string) error {
	info, err := os.Lstat(name)
	switch {
	case os.IsNotExist(err):
		return os.Mkdir(name, 0o755)
	case err == nil && !info.IsDir():
		return errors.New("it is no folder in the image, or a link to one")
	}
	return err
}

func kind(info fs.FileInfo) string {
	if info.IsDir() {
		return "a folder"
	}
	return "not a folder"
}
