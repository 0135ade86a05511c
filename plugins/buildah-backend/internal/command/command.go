// SPDX-License-Identifier: Apache-2.0

// Package command runs the commands of RUN in a layer, by buildah's chroot
// isolation.
//
// The environment, the arguments and the mounts are exactly those of the step:
// buildah's own Builder.Run would add HOSTNAME, PATH and /run/.containerenv and
// rewrite the first argument.
package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
	"golang.org/x/sys/unix"
)

// hostname is the same for every command, so that none can leave a trace.
const hostname = "build"

// Command is a command to run.
type Command struct {
	// Step is what to run.
	Step *irv1.Exec
	// Root is the mounted layer that it changes.
	Root string
	// Mounts are what is mounted into it, in order.
	Mounts []Mount
	// Env is added to the step's variables: secrets.
	Env []string
	// Bundle is an empty folder of the job.
	Bundle string
	// Stdout and Stderr get its output as it comes.
	Stdout, Stderr io.Writer
}

// Mount is something mounted into a command's file tree.
type Mount struct {
	// Target is where, absolute.
	Target string
	// Source is the file or folder; empty for an in-memory file system.
	Source string
	// Options are those of mount(8).
	Options []string
}

// Run runs the command. An ExitError is a command that failed. The traces are
// what running it left in the layer, beside what the command itself did.
func Run(c Command) (*Traces, error) {
	tree, err := files.Open(c.Root, nil)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	user, err := passwd.Lookup(tree.OpenResolved, c.Step.User)
	if err != nil {
		return nil, &transfer.Problem{Message: err.Error()}
	}
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	traces := newTraces(tree, root)
	mounts, err := c.mounts(traces)
	if err != nil {
		return nil, err
	}
	if err := traces.workdir(c.Step.Workdir); err != nil {
		return nil, err
	}
	return traces, start(c, c.spec(user, mounts))
}

func (c *Command) spec(user passwd.User, mounts []specs.Mount) *specs.Spec {
	caps := capabilities()
	return &specs.Spec{
		Version:  specs.Version,
		Hostname: hostname,
		Root:     &specs.Root{Path: c.Root},
		Mounts:   mounts,
		Process: &specs.Process{
			Args: c.Step.Argv,
			Env:  c.env(user),
			Cwd:  filepath.Clean("/" + c.Step.Workdir),
			User: specs.User{UID: user.UID, GID: user.GID, AdditionalGids: groups(user)},
			Capabilities: &specs.LinuxCapabilities{
				Bounding: caps, Effective: caps, Permitted: caps,
			},
		},
		Linux: &specs.Linux{MaskedPaths: masked, ReadonlyPaths: readonly},
	}
}

// groups adds a user's own group to the supplementary ones, so that a command
// cannot get rid of it (CVE-2022-36109).
func groups(user passwd.User) []uint32 {
	all := append([]uint32{user.GID}, user.Groups...)
	slices.Sort(all)
	return slices.Compact(all)
}

// env adds HOME as every container runtime does, because it depends on the
// image's /etc/passwd.
func (c *Command) env(user passwd.User) []string {
	env := append(append([]string(nil), c.Step.Env...), c.Env...)
	for _, e := range env {
		if strings.HasPrefix(e, "HOME=") {
			return env
		}
	}
	return append(env, "HOME="+user.Home)
}

// masked and readonly keep commands away from the machine (runtime-spec,
// config-linux.md, "Masked Paths").
var (
	masked = []string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware",
	}
	readonly = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// wanted are the capabilities that commands get, where the worker has them.
var wanted = []struct {
	name string
	bit  uint
}{
	{"CAP_AUDIT_WRITE", unix.CAP_AUDIT_WRITE}, {"CAP_CHOWN", unix.CAP_CHOWN}, {"CAP_DAC_OVERRIDE", unix.CAP_DAC_OVERRIDE},
	{"CAP_FOWNER", unix.CAP_FOWNER}, {"CAP_FSETID", unix.CAP_FSETID}, {"CAP_KILL", unix.CAP_KILL},
	{"CAP_MKNOD", unix.CAP_MKNOD}, {"CAP_NET_BIND_SERVICE", unix.CAP_NET_BIND_SERVICE}, {"CAP_NET_RAW", unix.CAP_NET_RAW},
	{"CAP_SETFCAP", unix.CAP_SETFCAP}, {"CAP_SETGID", unix.CAP_SETGID}, {"CAP_SETPCAP", unix.CAP_SETPCAP},
	{"CAP_SETUID", unix.CAP_SETUID}, {"CAP_SYS_CHROOT", unix.CAP_SYS_CHROOT},
}

func capabilities() []string {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return nil
	}
	var have []string
	for _, c := range wanted {
		if data[c.bit/32].Permitted&(1<<(c.bit%32)) != 0 {
			have = append(have, c.name)
		}
	}
	return have
}

// mounts prepares the places of all mounts and says where they really are.
func (c *Command) mounts(traces *Traces) ([]specs.Mount, error) {
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if _, err := traces.place(dir, true); err != nil {
			return nil, err
		}
	}
	var list []specs.Mount
	for _, m := range c.Mounts {
		isDir, kind := true, "tmpfs"
		if m.Source != "" {
			kind = "bind"
			info, err := os.Stat(m.Source)
			if err != nil {
				return nil, err
			}
			isDir = info.IsDir()
		}
		target, err := traces.place(m.Target, isDir)
		if err != nil {
			return nil, err
		}
		if err := mountable(target); err != nil {
			return nil, err
		}
		list = append(list, specs.Mount{Destination: target, Source: orName(m.Source, kind), Type: kind, Options: m.Options})
	}
	return list, nil
}

func orName(source, kind string) string {
	if source == "" {
		return kind
	}
	return source
}

// mountable refuses the targets that chroot isolation leaves out.
func mountable(target string) error {
	for _, dir := range []string{"/dev", "/proc", "/sys"} {
		if target == dir || strings.HasPrefix(target, dir+"/") {
			return &transfer.Problem{Message: fmt.Sprintf("the backend cannot mount on %q", target), Help: "mount outside of /dev, /proc and /sys"}
		}
	}
	return nil
}
