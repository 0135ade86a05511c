// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// clone makes a file that shares its bytes with another until one is written
// to (fclonefileat(2)). Where that cannot be, the error wraps
// errors.ErrUnsupported and there is no file.
func clone(from *os.File, at spot) (int, error) {
	err := unix.Fclonefileat(int(from.Fd()), at.fd, at.base, 0)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EXDEV) {
		return -1, errors.ErrUnsupported
	}
	if err != nil {
		return -1, err
	}
	return openat(at.fd, at.base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
}
