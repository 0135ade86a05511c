// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// needed are the files of the machine that furnish shows to commands, or that
// this process needs itself.
var needed = []string{
	"/proc", cpus, "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
}

// Forget leaves of the machine's file tree only what is named, at the paths
// that it has, and what Run needs. A command can read the table of mounts of
// this process, and would be nearer to the machine's files if it got hold of
// it. The folder root, on a file system in memory, becomes the root of this
// process.
func Forget(root string, keep []string) error {
	if err := unix.Mount(root, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("making a root folder: %w", err)
	}
	// One of the folders may hold this one.
	if err := unix.Mount("", root, "", unix.MS_UNBINDABLE, ""); err != nil {
		return fmt.Errorf("making a root folder: %w", err)
	}
	for _, name := range outermost(append(slices.Clone(keep), needed...)) {
		if err := carry(root, name); err != nil {
			return fmt.Errorf("keeping %q: %w", name, err)
		}
	}
	if err := unix.Chdir(root); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("changing the root folder: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("leaving the machine's file tree: %w", err)
	}
	return unix.Chdir("/")
}

// outermost drops the paths that are inside others.
func outermost(names []string) []string {
	for i, name := range names {
		names[i] = path.Clean(name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		if !slices.ContainsFunc(out, func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }) {
			out = append(out, name)
		}
	}
	return out
}

// carry shows a file or folder at the same path below root.
func carry(root, name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	at := filepath.Join(root, name)
	there, err := place(at, info.IsDir())
	if err != nil {
		return err
	}
	defer there.Close()
	return unix.Mount(name, at, "", unix.MS_BIND|unix.MS_REC, "")
}

// CloseOnExec keeps all open files but the first three from what this process
// executes, those too that it has from who started it and does not know.
func CloseOnExec() error {
	const firstOther = 3
	err := unix.CloseRange(firstOther, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	if err == nil {
		return nil
	}
	// Linux before 5.11.
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing open files: %w", err)
	}
	for _, e := range open {
		var fd int
		if _, err := fmt.Sscan(e.Name(), &fd); err == nil && fd >= firstOther {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
