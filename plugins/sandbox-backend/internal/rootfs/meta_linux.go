// SPDX-License-Identifier: Apache-2.0

package rootfs

import (
	"encoding/binary"
	"strings"

	"golang.org/x/sys/unix"
)

// capability is the attribute with the capabilities of a program.
const capability = "security.capability"

// kept says whether a layer holds an attribute and a file on disk has it. Not
// kept is what belongs to the machine (security.selinux) or to overlay.
func kept(name string) bool {
	return name == capability || strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}

// plainXattr is the value of an attribute as a layer has it. Capabilities that
// were set in a user namespace name its superuser (revision 3, 24 bytes); in a
// layer they are of revision 2, without it (linux/capability.h).
func plainXattr(name string, value []byte) string {
	if name != capability || len(value) != 24 || value[3] != 3 {
		return string(value)
	}
	magic := binary.LittleEndian.Uint32(value)&0x00ffffff | 0x02000000
	return string(binary.LittleEndian.AppendUint32(nil, magic)) + string(value[4:20])
}

// chown sets the owner, without following a link.
func chown(at spot, uid, gid uint32) error {
	return unix.Fchownat(at.fd, at.base, int(uid), int(gid), unix.AT_SYMLINK_NOFOLLOW)
}

// makeFifo makes a named pipe.
func makeFifo(at spot) (bool, error) {
	err := unix.Mkfifoat(at.fd, at.base, 0o600)
	return err == nil, err
}

// makeDevice makes a device. In a user namespace it is refused, and the
// device is in the index alone. 0/0 would be a whiteout of overlay.
func makeDevice(at spot, char bool, major, minor uint32) (bool, error) {
	kind := uint32(unix.S_IFBLK)
	if char {
		kind = unix.S_IFCHR
	}
	if char && major == 0 && minor == 0 {
		return false, nil
	}
	err := unix.Mknodat(at.fd, at.base, kind|0o600, int(unix.Mkdev(major, minor)))
	if err == unix.EPERM {
		return false, nil
	}
	return err == nil, err
}
