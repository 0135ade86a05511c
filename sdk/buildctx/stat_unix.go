// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package buildctx

import (
	"io/fs"
	"syscall"
)

// identify returns what changes whenever the content of a file may have.
func identify(info fs.FileInfo) (identity, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	modified, changed := times(st)
	return identity{uint64(st.Dev), st.Ino, uint64(st.Size), uint64(modified), uint64(changed)}, true
}

// device returns the number of a device; 0 for other things.
func device(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode()&fs.ModeDevice != 0 {
		return uint64(st.Rdev)
	}
	return 0
}
