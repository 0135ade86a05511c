// SPDX-License-Identifier: Apache-2.0

package rootfs

import "golang.org/x/sys/unix"

// unlock takes away the flags ("uchg") that keep a file from being removed,
// which every owner of a file can set.
func unlock(at spot) error {
	fd, err := openat(at.fd, at.base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchflags(fd, 0)
}
