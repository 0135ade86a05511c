// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package transfer

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// number identifies a file on disk.
type number struct{ dev, ino uint64 }

// inode returns what names of one file have in common; nil for a file that has
// one name.
func inode(info fs.FileInfo) any {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return nil
	}
	return number{uint64(st.Dev), st.Ino}
}

// device returns the numbers of a device.
func device(info fs.FileInfo) (major, minor uint32) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))
}
