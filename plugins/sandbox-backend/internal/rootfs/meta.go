// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// dress gives a file the owner, mode, extended attributes and time of a node.
// fd is the file itself when it is open, else -1.
// The order matters: a new owner takes away set-id bits and capabilities, and a
// new mode may take away the right to set attributes.
func dress(fd int, at spot, n *tree.Node, id ids) error {
	uid, gid := id.disk(n.UID, n.GID)
	if err := chown(at, uid, gid); err != nil {
		return fmt.Errorf("owner %d:%d: %w", uid, gid, err)
	}
	if fd >= 0 {
		if err := setXattrs(fd, n.Xattrs); err != nil {
			return err
		}
	}
	if n.Kind != tree.Symlink {
		if err := chmod(fd, at, n.Mode); err != nil {
			return fmt.Errorf("mode %04o: %w", n.Mode, err)
		}
	}
	return setTime(at, n.ModTime)
}

// dressAll dresses folders, those below first: names are as a walk meets them.
// then is called for each that is done.
func dressAll(p *place, names []string, have map[string]*tree.Node, id ids, then func(name string, at spot) error) error {
	for _, name := range slices.Backward(names) {
		n := have[name]
		if n == nil || n.Kind != tree.Dir {
			continue
		}
		at, err := p.at(name)
		if err == nil {
			err = dressFolder(at, n, id)
		}
		if err == nil && then != nil {
			err = then(name, at)
		}
		if err != nil {
			return fmt.Errorf("folder %q: %w", name, err)
		}
	}
	return nil
}

// chmod sets permission bits, without following a link.
func chmod(fd int, at spot, mode uint32) error {
	if fd >= 0 {
		return unix.Fchmod(fd, mode)
	}
	return unix.Fchmodat(at.fd, at.base, mode, 0)
}

// setXattrs sets the attributes that files on disk can have. What this file
// system or namespace refuses stays in the index alone.
func setXattrs(fd int, attrs map[string]string) error {
	for name, value := range attrs {
		if !kept(name) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, []byte(value), 0); err != nil && !refused(err) {
			return fmt.Errorf("extended attribute %q: %w", name, err)
		}
	}
	return nil
}

// xattrs reads the attributes that a layer can have.
func xattrs(fd int) (map[string]string, error) {
	list, err := readXattr(func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) })
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var out map[string]string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(list), "\x00"), "\x00") {
		if !kept(name) {
			continue
		}
		value, err := readXattr(func(buf []byte) (int, error) { return unix.Fgetxattr(fd, name, buf) })
		if err != nil {
			return nil, fmt.Errorf("extended attribute %q: %w", name, err)
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = plainXattr(name, value)
	}
	return out, nil
}

// readXattr calls read with more and more room. A file system without
// attributes has none.
func readXattr(read func(buf []byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 4 {
		buf := make([]byte, size)
		n, err := read(buf)
		switch {
		case err == nil:
			return buf[:n], nil
		case errors.Is(err, unix.ENOTSUP):
			return nil, nil
		case !errors.Is(err, unix.ERANGE) || size > 1<<20:
			return nil, err
		}
	}
}

// refused says that an attribute cannot be had here.
func refused(err error) bool {
	for _, e := range []error{unix.EPERM, unix.EACCES, unix.ENOTSUP, unix.EINVAL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// setTime sets the time of the last change of a file, and of its last use.
func setTime(at spot, t time.Time) error {
	sec, nsec := diskTime(t)
	ts := unix.Timespec{Sec: sec, Nsec: nsec}
	if err := unix.UtimesNanoAt(at.fd, at.base, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("time: %w", err)
	}
	return nil
}

// diskTime is a time as files have it. No time is the epoch.
func diskTime(t time.Time) (sec, nsec int64) {
	if t.IsZero() {
		return 0, 0
	}
	return t.Unix(), int64(t.Nanosecond())
}
