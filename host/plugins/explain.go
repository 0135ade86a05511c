// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"io/fs"
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
	)
	e := &host.PluginError{ID: id}
	switch {
	case errors.As(err, &remote):
		e.Message, e.Help, e.Err = remote.Error(), remote.Help, nil
		e.Fault = faultOf(remote.Kind)
	case errors.As(err, &own):
		e.Message, e.Help = own.Error(), own.Help
		if own.Problem == source.Absent {
			e.Fault = host.Absent
		}
	default:
		return nil
	}
	return e
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

// ofRelease explains what is wrong with a plugin itself.
func ofRelease(err error, id, from string) error {
	var (
		protocol *manifest.VersionError
		platform *store.PlatformError
		sum      *manifest.ChecksumError
		module   *wasmrun.Failed
	)
	switch {
	case errors.As(err, &protocol):
		return &host.PluginError{ID: protocol.ID, Message: "this zlayer cannot use it", Help: protocol.Help(), Err: protocol}
	case errors.As(err, &platform):
		return &host.PluginError{ID: platform.ID, Fault: host.Absent, Message: "there is nothing for this machine in version " + platform.Version, Help: platform.Help(), Err: platform}
	case errors.As(err, &sum):
		return &host.PluginError{
			ID:      id,
			Message: sum.Path + " of " + from + " is not the file that its manifest means: expected " + sum.Want + ", got " + sum.Got,
			Help:    "its author must run zlayer plugin seal, and publish it again",
		}
	case errors.As(err, &module):
		return &host.PluginError{ID: id, Message: module.Message, Help: "report this to the plugin's author", Stderr: module.Stderr, Err: module.Err}
	}
	return nil
}

// ofShelf explains what is wrong with what is installed, or with the lock file.
func ofShelf(err error, id, _ string) error {
	var (
		absent   *store.NotInstalledError
		previous *store.NoPreviousError
		lock     *lockfile.Error
	)
	switch {
	case errors.As(err, &absent):
		return &host.PluginError{ID: absent.ID, Fault: host.Absent, Message: absent.Error(), Help: "zlayer plugin list shows what is"}
	case errors.As(err, &previous):
		return &host.PluginError{ID: previous.ID, Fault: host.Absent, Message: previous.Error(), Help: "zlayer plugin add installs any version its source has"}
	case errors.As(err, &lock):
		return &host.InputError{Message: "the lock file cannot be used", Help: lock.Help, Err: err}
	}
	return nil
}

// ofDisk explains what the system does not let us do.
func ofDisk(err error, _, _ string) error {
	e := &host.InputError{Message: "the state folder cannot be written", Err: err}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Message, e.Help = "there is no space left for plugins", "free some, or choose another state folder with --data-dir; nothing was changed"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		e.Help = "check its permissions, or choose another with --data-dir; nothing was changed"
	default:
		return nil
	}
	return e
}
