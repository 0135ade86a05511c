// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// noDanger are flags of mounts that hold no programs.
const noDanger = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC

// Places are the folders that Run mounts on, whatever the mounts of a Spec.
var Places = []string{"/proc", "/sys", "/dev"}

// furnish mounts /proc, /sys and /dev. The working directory is the machine's
// root.
func furnish() error {
	for _, dir := range Places {
		if err := realDir(dir); err != nil {
			return fmt.Errorf("making a place for %s: %w", dir, err)
		}
	}
	if err := proc(); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := sys(); err != nil {
		return fmt.Errorf("mounting /sys: %w", err)
	}
	if err := dev(); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	return nil
}

// hidden of /proc is what tells too much of the machine (runtime-spec,
// config-linux.md, "Masked Paths").
var hidden = []string{
	"acpi", "asound", "config.gz", "driver", "interrupts", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
	"latency_stats", "sched_debug", "scsi", "timer_list", "timer_stats",
}

// proc mounts a /proc of this PID namespace. What of it is not about processes
// is the machine's: it can only be read, for its owner, who may be the command,
// could write to it or change its mode without any capability.
func proc() error {
	if err := unix.Mount("proc", "/proc", "proc", noDanger, ""); err != nil {
		return err
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil || e.Type() == fs.ModeSymlink {
			continue
		}
		if err := guard("/proc/"+e.Name(), e.IsDir(), slices.Contains(hidden, e.Name())); err != nil {
			return fmt.Errorf("guarding /proc/%s: %w", e.Name(), err)
		}
	}
	return nil
}

// guard makes a file or folder read-only, or empty.
func guard(name string, isDir, empty bool) error {
	if empty && isDir {
		return unix.Mount("tmpfs", name, "tmpfs", noDanger|unix.MS_RDONLY, "size=0k,mode=0555")
	}
	source := name
	if empty {
		source = "dev/null"
	}
	return show(source, name)
}

// show shows a file or folder of the machine, which cannot be changed: writing
// to a device is no change of it.
func show(source, name string) error {
	if err := unix.Mount(source, name, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return remount(name, unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_RDONLY)
}

// cpus is the folder of the CPUs.
const cpus = "/sys/devices/system/cpu"

// sys mounts a /sys with nothing in it but the CPUs, for programs that count
// them: the rest tells of the machine's devices and differs from one machine to
// the next.
func sys() error {
	if err := unix.Mount("tmpfs", "/sys", "tmpfs", noDanger, "mode=0755"); err != nil {
		return err
	}
	if err := os.MkdirAll(cpus, 0o755); err != nil {
		return err
	}
	if err := show("."+cpus, cpus); err != nil {
		return err
	}
	return remount("/sys", noDanger|unix.MS_RDONLY)
}

// devices are all that a command finds in /dev, beside pts and shm.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

var deviceLinks = [][2]string{
	{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
	{"ptmx", "pts/ptmx"},
}

// dev mounts a /dev without the machine's disks and terminals.
func dev() error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=64k"); err != nil {
		return err
	}
	for _, name := range devices {
		if err := device(name); err != nil {
			return fmt.Errorf("showing %s: %w", name, err)
		}
	}
	for _, link := range deviceLinks {
		if err := os.Symlink(link[1], "/dev/"+link[0]); err != nil {
			return err
		}
	}
	if err := special("/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=0620"); err != nil {
		return err
	}
	return special("/dev/shm", "tmpfs", "mode=1777,size=64m")
}

func device(name string) error {
	f, err := os.OpenFile("/dev/"+name, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return show("dev/"+name, "/dev/"+name)
}

func special(dir, kind, options string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NOEXEC)
	if kind != "devpts" {
		flags |= unix.MS_NODEV
	}
	if err := unix.Mount(kind, dir, kind, flags, options); err != nil {
		return fmt.Errorf("mounting %s: %w", dir, err)
	}
	return nil
}
