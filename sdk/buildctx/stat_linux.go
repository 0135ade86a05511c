// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"unsafe"
)

func times(st *syscall.Stat_t) (modified, changed int64) { return st.Mtim.Nano(), st.Ctim.Nano() }

// attributes returns the extended attributes that builders keep, as
// alternating names and values in order of name.
func attributes(f *os.File) ([][]byte, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var attrs [][]byte
	var listErr error
	err = conn.Control(func(fd uintptr) { attrs, listErr = fdAttributes(fd) })
	return attrs, errors.Join(err, listErr)
}

func fdAttributes(fd uintptr) ([][]byte, error) {
	list, err := grow(func(buf []byte) (uintptr, syscall.Errno) {
		n, _, errno := syscall.Syscall(syscall.SYS_FLISTXATTR, fd, uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)))
		return n, errno
	})
	if len(list) == 0 || err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00")
	slices.Sort(names)
	var attrs [][]byte
	for _, name := range names {
		if name != "security.capability" && !strings.HasPrefix(name, "user.") {
			continue
		}
		text := append([]byte(name), 0)
		value, err := grow(func(buf []byte) (uintptr, syscall.Errno) {
			n, _, errno := syscall.Syscall6(syscall.SYS_FGETXATTR, fd, uintptr(unsafe.Pointer(unsafe.SliceData(text))),
				uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)), 0, 0)
			return n, errno
		})
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, text, value)
	}
	return attrs, nil
}

// grow calls with ever larger buffers until the answer fits. No attributes, or
// a file system without any, give nothing.
func grow(call func([]byte) (uintptr, syscall.Errno)) ([]byte, error) {
	for buf := make([]byte, 256); ; buf = make([]byte, 4*len(buf)) {
		n, errno := call(buf)
		switch errno {
		case 0:
			return bytes.Clone(buf[:n]), nil
		case syscall.ERANGE:
		case syscall.ENOTSUP, syscall.ENOSYS, syscall.ENODATA:
			return nil, nil
		default:
			return nil, errno
		}
	}
}
