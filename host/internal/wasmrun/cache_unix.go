// SPDX-License-Identifier: Apache-2.0

//go:build unix

package wasmrun

import (
	"fmt"
	"os"
	"syscall"
)

// private refuses a folder that another user owns or can write to: what is in
// it is run as machine code.
func private(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("the compile cache %s belongs to user %d: remove it, or choose another state folder", dir, s.Uid)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("others can write to the compile cache %s: run chmod 700 %s, and remove what is in it", dir, dir)
	}
	return nil
}
