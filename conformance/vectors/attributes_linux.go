// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"time"

	"golang.org/x/sys/unix"
)

func setXattr(path, key, value string) error {
	return unix.Lsetxattr(path, key, []byte(value), 0)
}

// setTime sets the time of a file, of a link itself.
func setTime(path string, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
}
