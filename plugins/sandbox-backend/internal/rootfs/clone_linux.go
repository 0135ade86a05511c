// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// clone makes a file that shares its bytes with another until one is written
// to (ioctl_ficlone(2)). Where that cannot be, the error wraps
// errors.ErrUnsupported and there is no file.
func clone(from *os.File, at spot) (int, error) {
	fd, err := openat(at.fd, at.base, createFile, 0o600)
	if err != nil {
		return -1, err
	}
	err = unix.IoctlFileClone(fd, int(from.Fd()))
	if err == nil {
		return fd, nil
	}
	_ = unix.Close(fd)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
		err = errors.ErrUnsupported
	}
	return -1, errors.Join(err, unix.Unlinkat(at.fd, at.base, 0))
}
