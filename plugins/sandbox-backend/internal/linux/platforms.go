// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"golang.org/x/sys/unix"
)

// platforms are those of this machine's commands: its own first, those of its
// 32-bit programs, and those that have an emulator.
func platforms(run bool) []*backendv1.PlatformSupport {
	if !run {
		return []*backendv1.PlatformSupport{platform(runtime.GOARCH, backendv1.RunMode_RUN_MODE_NONE)}
	}
	out := []*backendv1.PlatformSupport{platform(runtime.GOARCH, backendv1.RunMode_RUN_MODE_NATIVE)}
	native := []string{runtime.GOARCH}
	if small := smaller(); small != "" {
		out, native = append(out, platform(small, backendv1.RunMode_RUN_MODE_NATIVE)), append(native, small)
	}
	for _, arch := range emulated(binfmtDir) {
		if !slices.Contains(native, arch) {
			out = append(out, platform(arch, backendv1.RunMode_RUN_MODE_EMULATED))
		}
	}
	return out
}

func platform(arch string, mode backendv1.RunMode) *backendv1.PlatformSupport {
	return &backendv1.PlatformSupport{Platform: &irv1.Platform{Os: "linux", Architecture: arch}, Run: mode}
}

// smaller is the architecture of the 32-bit programs that the kernel runs.
func smaller() string {
	switch runtime.GOARCH {
	case "amd64":
		// Only a kernel with 32-bit programs has this setting of theirs.
		if _, err := os.Stat("/proc/sys/abi/vsyscall32"); err == nil {
			return "386"
		}
	case "arm64":
		if has32bit() {
			return "arm"
		}
	}
	return ""
}

// has32bit asks an arm64 kernel for the personality of 32-bit programs, which
// it refuses when the CPU runs none. The thread that asks is not used again.
func has32bit() bool {
	const perLinux32 = 8
	got := make(chan bool)
	go func() {
		runtime.LockOSThread()
		_, _, errno := unix.Syscall(unix.SYS_PERSONALITY, perLinux32, 0, 0)
		got <- errno == 0
	}()
	return <-got
}

// binfmtDir is where the kernel lists its interpreters (binfmt_misc).
const binfmtDir = "/proc/sys/fs/binfmt_misc"

// emulated are the architectures that have an emulator that commands can use,
// sorted.
func emulated(dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil
	}
	var out []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if arch := emulates(string(text)); arch != "" {
			out = append(out, arch)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// emulates returns the architecture of the programs that an entry of
// binfmt_misc is for; empty when it is not for programs of Linux, is switched
// off, or its interpreter would have to be in the image: without flag F.
func emulates(entry string) string {
	lines := strings.Split(entry, "\n")
	if lines[0] != "enabled" {
		return ""
	}
	var magic []byte
	offset, fixed := "offset 0", false
	for _, line := range lines {
		switch key, value, _ := strings.Cut(line, " "); key {
		case "flags:":
			fixed = strings.Contains(value, "F")
		case "offset":
			offset = line
		case "magic":
			magic, _ = hex.DecodeString(value)
		}
	}
	if !fixed || offset != "offset 0" {
		return ""
	}
	return architecture(magic)
}

// kind of programs.
type elfKind struct {
	machine elf.Machine
	class   elf.Class
	order   elf.Data
}

// architectures are the GOARCHs of programs.
var architectures = map[elfKind]string{
	{elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB}:    "amd64",
	{elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB}:       "386",
	{elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB}:   "arm64",
	{elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB}:       "arm",
	{elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB}:     "ppc64le",
	{elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB}:      "s390x",
	{elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB}:     "riscv64",
	{elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB}: "loong64",
	{elf.EM_MIPS, elf.ELFCLASS64, elf.ELFDATA2LSB}:      "mips64le",
}

// architecture reads the beginning of an ELF file; empty when it is none.
func architecture(header []byte) string {
	const machineAt = 18
	if len(header) < machineAt+2 || string(header[:4]) != elf.ELFMAG {
		return ""
	}
	k := elfKind{class: elf.Class(header[elf.EI_CLASS]), order: elf.Data(header[elf.EI_DATA])}
	k.machine = elf.Machine(binary.LittleEndian.Uint16(header[machineAt:]))
	if k.order == elf.ELFDATA2MSB {
		k.machine = elf.Machine(binary.BigEndian.Uint16(header[machineAt:]))
	}
	return architectures[k]
}
