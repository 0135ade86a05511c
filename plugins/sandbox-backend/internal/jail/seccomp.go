// SPDX-License-Identifier: Apache-2.0

//go:build linux

package jail

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A command may use every system call that the tables know except those below.
// One that they do not know does not exist for it: programs then use an older
// one, and what a later kernel adds is not offered before somebody has looked
// at it.

// denied are refused with EPERM.
var denied = []string{
	// Mounts and roots.
	"mount", "umount", "umount2", "pivot_root", "fsopen", "fsconfig", "fsmount", "fspick", "move_mount", "open_tree", "open_tree_attr",
	"mount_setattr", "listmount", "statmount", "quotactl", "quotactl_fd", "swapon", "swapoff", "nfsservctl", "sysfs", "ustat",
	// Namespaces. What clone may do is in cloneDenied.
	"unshare", "setns",
	// Other processes.
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd", "lookup_dcookie",
	// The kernel: its code, its state, its time.
	"init_module", "finit_module", "delete_module", "create_module", "query_module", "get_kernel_syms", "kexec_load", "kexec_file_load", "bpf",
	"perf_event_open", "userfaultfd", "syslog", "acct", "reboot", "iopl", "ioperm", "vm86", "vm86old", "_sysctl", "uselib",
	"settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex", "sethostname", "setdomainname",
	"vhangup", "fanotify_init",
	// Keys are shared by all processes of a user.
	"add_key", "keyctl", "request_key",
	// Files by number, past all folders.
	"open_by_handle_at",
	// Rings do system calls that this filter does not see.
	"io_uring_setup", "io_uring_enter", "io_uring_register",
	// Memory policy of the machine.
	"mbind", "migrate_pages", "move_pages", "set_mempolicy", "set_mempolicy_home_node",
}

// absent are refused with ENOSYS: programs go on without them.
var absent = []string{
	"clone3", // its flags are in memory, where a filter cannot look
}

// cloneDenied are the flags that clone may not have: all namespaces.
const cloneDenied = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// personalities are what personality(2) may set: nothing that weakens.
var personalities = []uint32{0x0, 0x8, 0x20000, 0x20008, 0xffffffff}

// families are the sockets that are refused: they reach out of the network
// namespace (vsock) or into little-tested code of the kernel.
var families = []uint32{unix.AF_VSOCK, unix.AF_ALG, unix.AF_PACKET, unix.AF_KEY, unix.AF_XDP, unix.AF_TIPC, unix.AF_RDS, unix.AF_CAN, unix.AF_BLUETOOTH}

// terminals are the requests of ioctl that put words into somebody's mouth.
var terminals = []uint32{unix.TIOCSTI, unix.TIOCLINUX, unix.TIOCSETD}

// abis are the tables of system calls of a machine: its own and that of its
// 32-bit programs.
var abis = map[string][]*arch.Info{
	"amd64": {arch.X86_64, arch.I386},
	"arm64": {arch.AARCH64, arch.ARM},
	"386":   {arch.I386},
	"arm":   {arch.ARM},
}

// x32 marks the calls of a third kind of program on amd64 that nobody builds.
const x32 = 0x40000000

// Where things are in struct seccomp_data (seccomp(2)), on a little-endian
// machine.
const (
	atNumber = 0
	atArch   = 4
	atArgs   = 16
)

func arg(n uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: atArgs + 8*n, Size: 4} }

func load(offset uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: offset, Size: 4} }

func refuse(errno unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
}

var allow = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}

// ErrNoFilter says that there is no table of system calls for this machine.
var ErrNoFilter = errors.New("the system calls of this CPU are not known")

// program is the filter of a machine, by its GOARCH. Which socket the call
// socketcall makes is in memory, where a filter cannot look, so it is refused
// where it need not be there.
func program(goarch string, socketcall bool) ([]bpf.Instruction, error) {
	tables, ok := abis[goarch]
	if !ok {
		return nil, fmt.Errorf("%s: %w", goarch, ErrNoFilter)
	}
	out := []bpf.Instruction{load(atArch)}
	for _, abi := range tables {
		section := rules(abi, socketcall)
		out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(abi.ID), SkipTrue: 1}, bpf.Jump{Skip: uint32(len(section))})
		out = append(out, section...)
	}
	return append(out, refuse(unix.EPERM)), nil
}

// rules decide about the calls of one ABI. They end with a decision.
func rules(abi *arch.Info, socketcall bool) []bpf.Instruction {
	out := []bpf.Instruction{load(atNumber)}
	if abi == arch.X86_64 {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: x32, SkipFalse: 1}, refuse(unix.ENOSYS))
	}
	out = append(out, bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: last(abi), SkipFalse: 1}, refuse(unix.ENOSYS))
	out = append(out, each(abi, denied, unix.EPERM)...)
	out = append(out, each(abi, absent, unix.ENOSYS)...)
	if !socketcall {
		out = append(out, each(abi, []string{"socketcall"}, unix.EPERM)...)
	}
	out = append(out, when(abi, "clone", arg(0), bpf.JumpIf{Cond: bpf.JumpBitsSet, Val: cloneDenied, SkipFalse: 1}, refuse(unix.EPERM), allow)...)
	out = append(out, when(abi, "personality", append(oneOf(arg(0), personalities, allow), refuse(unix.EPERM))...)...)
	out = append(out, when(abi, "socket", append(oneOf(arg(0), families, refuse(unix.EAFNOSUPPORT)), allow)...)...)
	out = append(out, when(abi, "ioctl", append(oneOf(arg(1), terminals, refuse(unix.EPERM)), allow)...)...)
	return append(out, allow)
}

// last is the highest number that a table knows.
func last(abi *arch.Info) uint32 {
	var top int
	for n := range abi.SyscallNumbers {
		top = max(top, n)
	}
	return uint32(top)
}

// each refuses the calls of these names that the ABI has.
func each(abi *arch.Info, names []string, errno unix.Errno) []bpf.Instruction {
	var out []bpf.Instruction
	for _, name := range names {
		out = append(out, when(abi, name, refuse(errno))...)
	}
	return out
}

// when decides about the call of one name. The decision is at most 255
// instructions.
func when(abi *arch.Info, name string, decision ...bpf.Instruction) []bpf.Instruction {
	n, ok := abi.SyscallNames[name]
	if !ok {
		return nil
	}
	return append([]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(n), SkipFalse: uint8(len(decision))}}, decision...)
}

// oneOf decides when an argument has one of these values.
func oneOf(argument bpf.Instruction, values []uint32, decision bpf.Instruction) []bpf.Instruction {
	out := []bpf.Instruction{argument}
	for _, v := range values {
		out = append(out, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipFalse: 1}, decision)
	}
	return out
}

// filterSyscalls sets the filter of the thread. It needs no_new_privs.
func filterSyscalls(socketcall bool) error {
	instructions, err := program(runtime.GOARCH, socketcall)
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(instructions)
	if err != nil {
		return fmt.Errorf("assembling the filter of system calls: %w", err)
	}
	filter := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		filter[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return fmt.Errorf("setting the filter of system calls: %w", errno)
	}
	return nil
}
