// SPDX-License-Identifier: Apache-2.0

package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What may be done with files.
const (
	readFile  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE
	writeFile = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	readDir   = unix.LANDLOCK_ACCESS_FS_READ_DIR
	writeDir  = unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SYM |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REFER
	// control is for devices that are given: a process cannot make any.
	control = unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	// never is given to anybody: through a device of its own a process of root
	// would reach the disks.
	never = unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK

	reading = readFile | readDir
	writing = reading | writeFile | writeDir | control
	every   = writing | never
)

// The versions of Landlock that brought something.
const (
	abiTruncate = 3
	abiNetwork  = 4
	abiControl  = 5
	abiScope    = 6
)

// scopeErratum is the bit of the mistake that kept threads of one process from
// signalling each other. Go's runtime must be able to.
const scopeErratum = 1 << 1

// ruleset is a set of rules in the kernel, by its file descriptor.
type ruleset int

// newRuleset makes a set of what this Landlock knows of the rules.
func newRuleset(abi int, r Rules) (ruleset, error) {
	files := handled(abi)
	attr := unix.LandlockRulesetAttr{Handled_access_fs: files}
	if abi >= abiNetwork && !r.Network {
		attr.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if abi >= abiScope && errata()&scopeErratum != 0 {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | unix.LANDLOCK_SCOPE_SIGNAL
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return 0, fmt.Errorf("making rules of Landlock: %w", errno)
	}
	s := ruleset(fd)
	if err := errors.Join(s.allow(r.Read, reading&files), s.allow(r.Write, writing&files), s.allow(r.Rmdir, unix.LANDLOCK_ACCESS_FS_REMOVE_DIR)); err != nil {
		s.close()
		return 0, err
	}
	return s, nil
}

// handled is what this Landlock can refuse of what is done with files.
func handled(abi int) uint64 {
	files := uint64(every)
	if abi < abiTruncate {
		files &^= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi < abiControl {
		files &^= control
	}
	return files
}

// allow adds paths.
func (s ruleset) allow(paths []string, rights uint64) error {
	for _, path := range paths {
		if err := s.allowOne(path, rights); err != nil {
			return fmt.Errorf("making a rule of Landlock for %s: %w", path, err)
		}
	}
	return nil
}

// allowOne adds a path. What is not there, or cannot be reached, the process
// cannot use either.
func (s ruleset) allowOne(path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= readFile | writeFile | control
	}
	if rights == 0 {
		return nil
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(s), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// enter confines the calling thread, and for ever.
func (s ruleset) enter() error {
	dropCapabilities()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up new privileges: %w", err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(s), 0, 0); errno != 0 {
		return fmt.Errorf("confining by Landlock: %w", errno)
	}
	return nil
}

func (s ruleset) close() { _ = unix.Close(int(s)) }

// version is that of this kernel's Landlock.
func version() (int, error) { return ask(unix.LANDLOCK_CREATE_RULESET_VERSION) }

// errata are the mistakes that this kernel has corrected; none that it knows of
// when it is too old to say.
func errata() int {
	bits, err := ask(unix.LANDLOCK_CREATE_RULESET_ERRATA)
	if err != nil {
		return 0
	}
	return bits
}

// ask asks the kernel about its Landlock.
func ask(flag uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, flag)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
