// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// scoping is the version of Landlock that can keep a process from sockets.
const scoping = 6

// scopeSockets keeps the thread, and all that it starts, from abstract sockets
// of other processes: they have no place in a file tree, and a command with the
// machine's network could talk to the user's desktop. Kernels before Linux 6.12
// cannot do that. It needs no_new_privs.
func scopeSockets() error {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 || version < scoping {
		return nil
	}
	rules := unix.LandlockRulesetAttr{Scoped: unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET}
	size := unsafe.Offsetof(rules.Scoped) + unsafe.Sizeof(rules.Scoped)
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&rules)), size, 0)
	if errno != 0 {
		return fmt.Errorf("making rules for sockets: %w", errno)
	}
	defer unix.Close(int(fd))
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); errno != 0 {
		return fmt.Errorf("setting rules for sockets: %w", errno)
	}
	return nil
}
