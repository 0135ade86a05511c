// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// RemoveAll removes a folder and all that a command may have left in it:
// folders without permissions, files of other ids of the namespace it is
// called in, folders deeper than any path can name. No link is followed. A
// folder that does not exist is no error.
func RemoveAll(dir string) error {
	fd, err := unix.Open(dir, openFolder, 0)
	if errors.Is(err, unix.EACCES) && os.Chmod(dir, 0o700) == nil {
		fd, err = unix.Open(dir, openFolder, 0)
	}
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	if err := empty(fd); err != nil {
		return fmt.Errorf("removing %s: %w", dir, err)
	}
	return os.Remove(dir)
}

// removeAt removes a file, or a folder with all that is in it.
func removeAt(at spot) error {
	err := unlink(at)
	if !errors.Is(err, unix.EISDIR) {
		return err
	}
	fd, err := openEmptiable(at)
	if err != nil {
		return err
	}
	if err := empty(fd); err != nil {
		return err
	}
	return unix.Unlinkat(at.fd, at.base, unix.AT_REMOVEDIR)
}

// maxOpen is how many folders are open at once while one is emptied.
const maxOpen = 64

// emptier empties a folder. What is too deep in it moves up.
type emptier struct {
	top   int
	moved int
	again bool
}

// empty removes all that is in an open folder, and closes it.
func empty(fd int) error {
	defer unix.Close(fd)
	e := emptier{top: fd, again: true}
	for e.again {
		e.again = false
		// A descriptor of its own for each round: reading goes on where the
		// last one ended.
		own, err := openat(fd, ".", openFolder, 0)
		if err != nil {
			return err
		}
		if err := e.clear(own, 1); err != nil {
			return err
		}
	}
	return nil
}

// clear removes all that is in a folder, and closes it.
func (e *emptier) clear(fd, depth int) error {
	f := os.NewFile(uintptr(fd), "folder")
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := e.remove(spot{fd, name}, depth); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
	}
	return nil
}

// remove removes a file, or moves it up.
func (e *emptier) remove(at spot, depth int) error {
	err := unlink(at)
	if !errors.Is(err, unix.EISDIR) {
		return err
	}
	fd, err := openEmptiable(at)
	if err != nil {
		return err
	}
	if depth >= maxOpen {
		_ = unix.Close(fd)
		return e.up(at)
	}
	if err := e.clear(fd, depth+1); err != nil {
		return err
	}
	return unix.Unlinkat(at.fd, at.base, unix.AT_REMOVEDIR)
}

// up moves a folder to the top, under a name that is free there.
func (e *emptier) up(at spot) error {
	for {
		e.moved++
		err := unix.Renameat(at.fd, at.base, e.top, "moved-"+strconv.Itoa(e.moved))
		if err == nil {
			e.again = true
			return nil
		}
		if !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, unix.ENOTDIR) {
			return err
		}
	}
}

// unlink removes what is no folder. A folder is EISDIR on every system.
func unlink(at spot) error {
	err := unix.Unlinkat(at.fd, at.base, 0)
	if err == nil || errors.Is(err, unix.ENOENT) {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstatat(at.fd, at.base, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return unix.EISDIR
	}
	if unlock(at) == nil {
		return unix.Unlinkat(at.fd, at.base, 0)
	}
	return err
}

// openEmptiable opens a folder so that what is in it can be removed.
func openEmptiable(at spot) (int, error) {
	fd, err := openAny(at, openFolder, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err == nil && st.Mode&0o700 != 0o700 {
		_ = unix.Fchmod(fd, 0o700) // removing says what is wrong
	}
	_ = unlock(at)
	return fd, nil
}
