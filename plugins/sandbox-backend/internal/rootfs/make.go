// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"bytes"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

const createFile = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC

// makeFile makes a file with these bytes, which go through buf.
func makeFile(at spot, n *tree.Node, content io.Reader, id ids, buf []byte) error {
	fd, err := openat(at.fd, at.base, createFile, 0o600)
	if err != nil {
		return err
	}
	err = fill(fd, n.Size, content, buf)
	if err == nil {
		err = dress(fd, at, n, id)
	}
	if closed := unix.Close(fd); err == nil {
		err = closed
	}
	return err
}

// makeOther makes what is neither a file nor a folder. made says whether it is
// there now: devices may be refused.
func makeOther(at spot, n *tree.Node, id ids) (made bool, err error) {
	switch n.Kind {
	case tree.Symlink:
		err = unix.Symlinkat(n.Target, at.fd, at.base)
		made = err == nil
	case tree.Fifo:
		made, err = makeFifo(at)
	case tree.CharDevice, tree.BlockDevice:
		made, err = makeDevice(at, n.Kind == tree.CharDevice, n.Major, n.Minor)
	default:
		return false, fmt.Errorf("kind %d of file", n.Kind)
	}
	if err != nil || !made {
		return false, err
	}
	return true, dress(-1, at, n, id)
}

// dressFolder gives a folder its owner, mode, attributes and time.
func dressFolder(at spot, n *tree.Node, id ids) error {
	fd, err := openat(at.fd, at.base, openFolder, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return dress(fd, at, n, id)
}

// hole is the least run of zero bytes that is left out when a file is written,
// and the size of the buffers that files go through.
const hole = 64 << 10

var zeros [hole]byte

// fill writes the bytes of a file. Long runs of zeros become holes. buf holds
// at least one hole.
func fill(fd int, size int64, content io.Reader, buf []byte) error {
	var at int64
	for at < size {
		part := buf[:min(hole, size-at)]
		if _, err := io.ReadFull(content, part); err != nil {
			return fmt.Errorf("content after %d of %d bytes: %w", at, size, err)
		}
		if !bytes.Equal(part, zeros[:]) {
			if err := writeAt(fd, part, at); err != nil {
				return err
			}
		}
		at += int64(len(part))
	}
	if size < hole {
		return nil
	}
	return unix.Ftruncate(fd, size)
}

// writeAt writes bytes at an offset.
func writeAt(fd int, part []byte, at int64) error {
	for len(part) > 0 {
		n, err := unix.Pwrite(fd, part, at)
		if err != nil && err != unix.EINTR {
			return err
		}
		part, at = part[max(n, 0):], at+int64(max(n, 0))
	}
	return nil
}
