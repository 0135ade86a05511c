// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/jail"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"golang.org/x/sys/unix"
)

// features are all that this driver can do.
var features = []string{
	"exec", "exec.mount.bind", "exec.mount.cache", "exec.mount.secret", "exec.mount.secret.env", "exec.mount.ssh", "exec.mount.tmpfs",
	"exec.network.host", "exec.network.none", "exec.script", "exec.user",
}

// lack is why commands cannot run on this machine, or only as one user.
type lack struct {
	// reason is its stable class; message and alternative are sentences.
	reason, message, alternative string
}

// Describe implements driver.Driver. What commands need is tried out once.
func (d *runner) Describe(context.Context) (*backendv1.DescribeResponse, error) {
	found := d.found()
	if found.err != nil {
		return nil, found.err
	}
	r := &backendv1.DescribeResponse{Platforms: platforms(found.all == nil)}
	if found.all != nil {
		for _, f := range features {
			r.Subtracted = append(r.Subtracted, found.all.of(f))
		}
		return r, nil
	}
	if found.users != nil {
		r.Subtracted = append(r.Subtracted, found.users.of("exec.user"))
	}
	return r, nil
}

func (l *lack) of(feature string) *backendv1.Subtraction {
	return &backendv1.Subtraction{Feature: feature, Reason: l.reason, Message: l.message, Alternative: l.alternative}
}

// machine is what was found about this one.
type machine struct {
	// all is why no command runs; users why commands run as root only.
	all, users *lack
	err        error
}

// look finds out what this machine lacks.
func look() machine {
	maps, err := findMaps()
	if err != nil {
		return machine{err: err}
	}
	var m machine
	if maps.oneID() {
		m.users = oneUser(maps)
	}
	if setting("/proc/sys/user/max_user_namespaces") == "0" || setting("/proc/sys/kernel/unprivileged_userns_clone") == "0" && os.Geteuid() != 0 {
		m.all = noNamespace("they are switched off on this machine")
		return m
	}
	got, err := run(context.Background(), maps, request{Probe: true, OneID: maps.oneID()}, nil, nil)
	switch {
	case err != nil:
		m.all = noStart(err)
	case got.Err != "":
		m.all = refused(got.Err)
	}
	return m
}

// setting reads a setting of the kernel; empty when it does not exist.
func setting(file string) string {
	text, _ := os.ReadFile(file)
	return strings.TrimSpace(string(text))
}

func oneUser(maps *idMaps) *lack {
	alternative := fmt.Sprintf("as root run \"usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s\", or build as root", userName())
	if maps.noTool {
		alternative = "install the package uidmap (shadow-utils on Fedora), or build as root"
	}
	return &lack{"one-user", "only one user is mapped, root, because " + maps.why, alternative}
}

// ownerHelp is for a command that failed where it could not change owners. Which
// commands do so nobody knows beforehand.
func ownerHelp(maps *idMaps) string {
	if !maps.oneID() {
		return ""
	}
	l := oneUser(maps)
	return "if it gives files another owner: " + l.message + "; " + l.alternative
}

func noNamespace(why string) *lack {
	return &lack{"no-user-namespace", "commands need a user namespace, and " + why,
		"allow user namespaces (sysctl user.max_user_namespaces; kernel.unprivileged_userns_clone on Debian; kernel.apparmor_restrict_unprivileged_userns on Ubuntu), or use buildah-backend as root"}
}

// noStart explains why there is no process in namespaces.
func noStart(err error) *lack {
	for _, errno := range []error{unix.EPERM, unix.EACCES, unix.EINVAL, unix.ENOSPC, unix.EUSERS} {
		if errors.Is(err, errno) {
			return noNamespace("this machine or the container around it refuses one: " + err.Error())
		}
	}
	return &lack{"no-sandbox", "no sandbox can be made here: " + err.Error(), "use buildah-backend, or build as root"}
}

// refused explains why a command could not be confined.
func refused(why string) *lack {
	l := &lack{"no-sandbox", "no sandbox can be made here: " + why, "use buildah-backend, or another machine"}
	if strings.Contains(why, "/proc") {
		l.alternative = "a container around the backend must not hide parts of /proc: start it with --security-opt systempaths=unconfined"
	}
	return l
}

// probe tries all that a command needs except a command: an empty file tree has
// none.
func probe(r *request) (result, error) {
	const dir = "/tmp"
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=0755"); err != nil {
		return result{}, fmt.Errorf("mounting a file system in memory: %w", err)
	}
	exit, err := jail.Run(jail.Spec{
		Root: dir, Argv: []string{"/probe"}, Dir: "/", OneID: r.OneID, Network: r.Network,
		Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err == nil && exit.Code != exitNotFound {
		err = errors.New(exit.Reason)
	}
	return result{}, err
}

// exitNotFound is the exit code of a command that does not exist.
const exitNotFound = 127
