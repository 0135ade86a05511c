// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

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

// What of /proc is hidden, because it tells of the machine, and what can only
// be read, because its owner, who is the machine's root, may write without any
// capability (runtime-spec, config-linux.md, "Masked Paths").
var (
	maskedFiles = []string{
		"/proc/config.gz", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/kmsg", "/proc/kpagecgroup",
		"/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats",
	}
	maskedDirs   = []string{"/proc/acpi", "/proc/asound", "/proc/scsi", "/proc/driver"}
	readOnlyProc = []string{
		"/proc/bus", "/proc/dynamic_debug", "/proc/fs", "/proc/irq", "/proc/mtrr", "/proc/pressure", "/proc/sys", "/proc/sysrq-trigger", "/proc/vmallocinfo",
	}
)

// proc mounts a /proc of this PID namespace.
func proc() error {
	if err := unix.Mount("proc", "/proc", "proc", noDanger, ""); err != nil {
		return err
	}
	for _, file := range maskedFiles {
		if err := ifThere(file, unix.Mount("dev/null", file, "", unix.MS_BIND, "")); err != nil {
			return err
		}
	}
	for _, dir := range maskedDirs {
		if err := ifThere(dir, unix.Mount("tmpfs", dir, "tmpfs", noDanger|unix.MS_RDONLY, "size=0k,mode=0555")); err != nil {
			return err
		}
	}
	for _, name := range readOnlyProc {
		err := unix.Mount(name, name, "", unix.MS_BIND|unix.MS_REC, "")
		if err == nil {
			err = remount(name, noDanger|unix.MS_RDONLY)
		}
		if err := ifThere(name, err); err != nil {
			return err
		}
	}
	return nil
}

// ifThere drops the error for a file that the kernel does not have.
func ifThere(name string, err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("hiding %s: %w", name, err)
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
	if err := unix.Mount("."+cpus, cpus, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	if err := restrict(cpus, true); err != nil {
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
	return unix.Mount("dev/"+name, "/dev/"+name, "", unix.MS_BIND, "")
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
