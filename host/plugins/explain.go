// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/wasmrun"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// explain makes an error of the packages below one of package host. What is
// one already, and the end of a context, it returns as it is.
func explain(err error, id, from string) error {
	var (
		plugin *host.PluginError
		input  *host.InputError
	)
	if err == nil || errors.As(err, &plugin) || errors.As(err, &input) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, known := range []func(error, string, string) error{ofSource, ofRelease, ofShelf, ofDisk} {
		if explained := known(err, id, from); explained != nil {
			return explained
		}
	}
	return err
}

// ofSource explains what is wrong on the way to a source.
func ofSource(err error, id, _ string) error {
	var (
		remote *registry.Error
		own    *source.Error
		login  *registry.CredentialsError
	)
	switch {
	case errors.As(err, &remote):
		e := &host.PluginError{ID: id, Fault: faultOf(remote.Kind), Message: remote.Message, Help: remote.Help, Err: remote.Err}
		if remote.Reference != "" {
			e.Message = remote.Reference + ": " + e.Message
		}
		return e
	case errors.As(err, &own):
		e := &host.PluginError{ID: id, Message: own.Message, Help: own.Help, Err: own.Err}
		if own.Source != "" {
			e.Message = own.Source + ": " + e.Message
		}
		if own.Problem == source.Absent {
			e.Fault = host.Absent
		}
		return e
	case errors.As(err, &login):
		return &host.InputError{Message: "the credentials for registries cannot be used", Help: "correct the file that is named, or log in again", Err: login.Err}
	}
	return nil
}

// faultOf says what a registry's error means for a plugin.
func faultOf(k registry.Kind) host.Fault {
	switch k {
	case registry.KindNotFound, registry.KindReference:
		return host.Absent
	case registry.KindDenied, registry.KindUnreachable:
		return host.Unreachable
	}
	return host.Broken
}

// ofRelease explains why a plugin cannot be used here.
func ofRelease(err error, _, _ string) error {
	var (
		protocol *manifest.VersionError
		platform *store.PlatformError
	)
	switch {
	case errors.As(err, &protocol):
		return &host.PluginError{ID: protocol.ID, Message: "it cannot be used", Help: protocol.Help(), Err: protocol}
	case errors.As(err, &platform):
		return &host.PluginError{ID: platform.ID, Fault: host.Absent, Message: "version " + platform.Version + " cannot be used here", Help: platform.Help(), Err: platform}
	}
	return nil
}

// explain explains why a release was not installed.
func (c *Change) explain(err error) error {
	var (
		sum    *manifest.ChecksumError
		module *wasmrun.Failed
	)
	help := "tell its author, or add another version"
	if c.Development {
		help = "after a change run zlayer plugin seal " + c.Source + ", then add it again"
	}
	switch {
	case errors.As(err, &sum):
		return &host.PluginError{
			ID: c.ID, Help: help,
			Message: sum.Path + " of " + c.Source + " is not the file that its manifest means: expected " + sum.Want + ", got " + sum.Got,
		}
	case errors.As(err, &module):
		main, _ := c.release.Manifest.Main(store.Platform())
		return &host.PluginError{ID: c.ID, Message: main.Path + ": " + module.Message, Help: help, Stderr: module.Stderr, Err: module.Err}
	}
	return explain(err, c.ID, c.Source)
}

// ofShelf explains what is wrong with what is installed, or with the lock file.
func ofShelf(err error, _, _ string) error {
	var (
		absent   *store.NotInstalledError
		previous *store.NoPreviousError
		list     *store.IndexError
		lock     *lockfile.Error
	)
	switch {
	case errors.As(err, &absent):
		return notInstalled(absent.ID)
	case errors.As(err, &previous):
		return &host.PluginError{ID: previous.ID, Fault: host.Absent, Message: previous.Error(), Help: "zlayer plugin add SOURCE installs any version its source has"}
	case errors.As(err, &list):
		return &host.InputError{Message: list.Message, Help: list.Help, Err: list.Err}
	case errors.As(err, &lock):
		return &host.InputError{Message: "the lock file cannot be used", Help: lock.Help, Err: lock}
	}
	return nil
}

// notInstalled is about a plugin that is not there.
func notInstalled(id string) error {
	return &host.PluginError{ID: id, Fault: host.Absent, Message: "it is not installed", Help: "zlayer plugin list shows what is"}
}

// ofDisk explains what the system does not let us do in the state folder.
func ofDisk(err error, _, _ string) error {
	var (
		path *fs.PathError
		link *os.LinkError
	)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &host.InputError{Message: "there is no space left for plugins", Help: "free some, or choose another state folder with --data-dir; nothing was changed", Err: err}
	case errors.As(err, &path), errors.As(err, &link):
		return &host.InputError{Message: "the state folder cannot be used", Help: "check its permissions, or choose another with --data-dir; nothing was changed", Err: err}
	}
	return nil
}
