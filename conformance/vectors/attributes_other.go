// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package vectors

import (
	"fmt"
	"os"
	"time"
)

func setXattr(path, key, _ string) error {
	return fmt.Errorf("setting attribute %s of %s: this system has no such attributes", key, path)
}

// setTime sets the time of a file; links keep theirs.
func setTime(path string, t time.Time) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink != 0 {
		return err
	}
	return os.Chtimes(path, t, t)
}
