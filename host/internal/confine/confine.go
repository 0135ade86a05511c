// SPDX-License-Identifier: Apache-2.0

// Package confine starts processes that can touch nothing but what they are
// given, and neither can what they start. It needs no other program, no root
// and no namespace: on Linux the kernel does it (Landlock), elsewhere nothing
// does, and Available says so.
//
// What Landlock does not know is not confined: attributes of files that the
// user may change (modes, owners, times), UDP, unix sockets with a path, and
// whether a name exists.
package confine

import (
	"path/filepath"
	"slices"
)

// Rules is what a confined process may touch beside System. A path stands for
// all that is below it, and for what it leads to when it is a link. One that is
// not there when the process starts gives nothing.
type Rules struct {
	// Read are files and folders that it may read and run.
	Read []string
	// Write are those in which it may also write, make, rename and remove.
	Write []string
	// Rmdir are folders in and below which it may remove folders that are
	// empty.
	Rmdir []string
	// Network is whether it may open and accept TCP connections.
	Network bool
}

// With returns rules that allow what either does.
func (r Rules) With(more Rules) Rules {
	return Rules{
		Read:    slices.Concat(r.Read, more.Read),
		Write:   slices.Concat(r.Write, more.Write),
		Rmdir:   slices.Concat(r.Rmdir, more.Rmdir),
		Network: r.Network || more.Network,
	}
}

// System is what every process may touch: the programs, libraries and settings
// of the system, what the kernel says of itself, and harmless devices.
func System() Rules {
	libraries, _ := filepath.Glob("/lib*") // the pattern is a good one
	return Rules{
		// resolv.conf often is a link to where nothing else is needed.
		Read: append(libraries, "/usr", "/bin", "/sbin", "/etc", "/etc/resolv.conf", "/opt", "/nix", "/proc", "/sys"),
		Write: []string{
			"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts",
		},
	}
}
