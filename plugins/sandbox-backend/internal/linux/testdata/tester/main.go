// SPDX-License-Identifier: Apache-2.0

// Command tester tries, from inside a sandbox, what the programs of busybox
// cannot try. Each argument is the name of a try, with ":" and its own argument;
// each is one line of output: the name and "ok" or the error number's name.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	runtime.LockOSThread()
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, ":")
		try, ok := tries[name]
		if !ok {
			fmt.Println(name, "is unknown")
			os.Exit(2)
		}
		fmt.Println(name, outcome(try(value)))
	}
}

func outcome(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	}
	return err.Error()
}

// call does a system call.
func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

// clone starts a process with flags, which ends at once.
func clone(flags uintptr) error {
	pid, _, errno := unix.RawSyscall6(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
	var status unix.WaitStatus
	_, err := unix.Wait4(int(pid), &status, 0, nil)
	return err
}

func write(file, text string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

func open(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	return f.Close()
}

func dial(network, address string) error {
	c, err := net.DialTimeout(network, address, time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

func socket(family, kind int) error {
	fd, err := unix.Socket(family, kind, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// byHandle opens the root of the file system of a path by its number, as one
// can who was kept away from it by folders only.
func byHandle(path string) error {
	dir, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, path, 0)
	if err != nil {
		handle = unix.NewFileHandle(1, []byte{2, 0, 0, 0, 0, 0, 0, 0}) // the root of ext4
	}
	fd, err := unix.OpenByHandleAt(dir, handle, unix.O_RDONLY)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// breakOut leaves a root folder the old way, and then reads a file.
func breakOut(file string) error {
	if err := os.MkdirAll("/tmp/jail", 0o755); err != nil {
		return err
	}
	dir, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	if err := unix.Chroot("/tmp/jail"); err != nil {
		return fmt.Errorf("no chroot: %w", errors.New(err.Error()))
	}
	if err := unix.Fchdir(dir); err != nil {
		return err
	}
	for range 64 {
		if err := unix.Chdir(".."); err != nil {
			return err
		}
	}
	if err := unix.Chroot("."); err != nil {
		return err
	}
	return open(file)
}

func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

var word = []byte("x\x00")

func pointer() uintptr { return uintptr(unsafe.Pointer(&word[0])) }

var tries = map[string]func(string) error{
	"mount":       func(dir string) error { return unix.Mount("tmpfs", dir, "tmpfs", 0, "") },
	"bind":        func(dir string) error { return unix.Mount("/", dir, "", unix.MS_BIND, "") },
	"remount":     func(dir string) error { return unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_BIND, "") },
	"umount":      func(dir string) error { return unix.Unmount(dir, unix.MNT_DETACH) },
	"fsopen":      func(string) error { _, err := unix.Fsopen("tmpfs", 0); return err },
	"open-tree":   func(string) error { _, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE); return err },
	"pivot-root":  func(string) error { return unix.PivotRoot("/", "/") },
	"chroot-out":  breakOut,
	"unshare":     func(flags string) error { return unix.Unshare(number(flags)) },
	"clone":       func(flags string) error { return clone(uintptr(number(flags))) },
	"clone3":      func(string) error { return call(unix.SYS_CLONE3, 0, 0) },
	"setns":       func(string) error { return unix.Setns(0, 0) },
	"ptrace":      func(pid string) error { return unix.PtraceAttach(number(pid)) },
	"trace-me":    func(string) error { return call(unix.SYS_PTRACE, unix.PTRACE_TRACEME) },
	"read-memory": func(pid string) error { return call(unix.SYS_PROCESS_VM_READV, uintptr(number(pid)), 0, 0, 0, 0, 0) },
	"get-fd":      func(string) error { return call(unix.SYS_PIDFD_GETFD, 0, 0, 0) },
	"kill":        func(pid string) error { return unix.Kill(number(pid), unix.SIGKILL) },
	"by-handle":   byHandle,
	"keyctl":      func(string) error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); return err },
	"add-key": func(string) error {
		_, err := unix.AddKey("user", "k", word, unix.KEY_SPEC_PROCESS_KEYRING)
		return err
	},
	"bpf":         func(string) error { return call(unix.SYS_BPF, 0xff, 0, 0) },
	"perf":        func(string) error { return call(unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0, 0) },
	"userfault":   func(string) error { return call(unix.SYS_USERFAULTFD, 1) },
	"io-uring":    func(string) error { return call(unix.SYS_IO_URING_SETUP, 0, 0) },
	"module":      func(string) error { return call(unix.SYS_INIT_MODULE, 0, 0, pointer()) },
	"kexec":       func(string) error { return call(unix.SYS_KEXEC_LOAD, 0, 0, 0, 0) },
	"syslog":      func(string) error { return call(unix.SYS_SYSLOG, 3, pointer(), 1) },
	"swapon":      func(string) error { return call(unix.SYS_SWAPON, pointer(), 0) },
	"acct":        func(string) error { return call(unix.SYS_ACCT, pointer()) },
	"reboot":      func(string) error { return call(unix.SYS_REBOOT, 0, 0, 0, 0) },
	"time":        func(string) error { return unix.ClockSettime(unix.CLOCK_REALTIME, &unix.Timespec{Sec: 1}) },
	"adjust-time": func(string) error { _, err := unix.Adjtimex(&unix.Timex{Modes: unix.ADJ_TICK, Tick: 1}); return err },
	"hostname":    func(string) error { return unix.Sethostname([]byte("taken")) },
	"domainname":  func(string) error { return unix.Setdomainname([]byte("taken")) },
	"personality": func(string) error { return call(unix.SYS_PERSONALITY, 0x40000) },
	"char-device": func(file string) error { return unix.Mknod(file, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) },
	"disk":        func(file string) error { return unix.Mknod(file, unix.S_IFBLK|0o666, int(unix.Mkdev(8, 0))) },
	"fifo":        func(file string) error { return unix.Mkfifo(file, 0o600) },
	"chown":       func(file string) error { return os.Chown(file, 1, 1) },
	"type-ahead":  func(string) error { return unix.IoctlSetPointerInt(0, unix.TIOCSTI, 'x') },
	"vsock":       func(string) error { return socket(unix.AF_VSOCK, unix.SOCK_STREAM) },
	"packet":      func(string) error { return socket(unix.AF_PACKET, unix.SOCK_RAW) },
	"alg":         func(string) error { return socket(unix.AF_ALG, unix.SOCK_SEQPACKET) },
	"unix":        func(string) error { return socket(unix.AF_UNIX, unix.SOCK_STREAM) },
	"inet":        func(string) error { return socket(unix.AF_INET, unix.SOCK_STREAM) },
	"write":       func(file string) error { return write(file, "x") },
	"open":        open,
	"tcp":         func(address string) error { return dial("tcp", address) },
	"udp":         func(address string) error { return udp(address) },
	"abstract":    func(name string) error { return dial("unix", "@"+name) },
	"own-socket":  ownSocket,
	"socket":      func(file string) error { return dial("unix", file) },
	"setuid":      func(string) error { return asRoot() },
	"raise":       func(string) error { return raise() },
}

// udp sends a question and wants an answer.
func udp(address string) error {
	c, err := net.Dial("udp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(word); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

// ownSocket talks to itself over an abstract socket.
func ownSocket(name string) error {
	l, err := net.Listen("unix", "@"+name)
	if err != nil {
		return err
	}
	defer l.Close()
	return dial("unix", "@"+name)
}

// asRoot says whether this process has become root by its file's mode.
func asRoot() error {
	if os.Geteuid() != 0 {
		return syscall.EPERM
	}
	return nil
}

// raise wants all capabilities back.
func raise() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	data[0] = unix.CapUserData{Effective: 1 << unix.CAP_SYS_ADMIN, Permitted: 1 << unix.CAP_SYS_ADMIN}
	return unix.Capset(&header, &data[0])
}
