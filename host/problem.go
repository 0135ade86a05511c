// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Warnings returns what is to be said about the plugins themselves, whatever is
// built: where they differ from the project's lock file. Where that is refused
// there are none, but errors of who uses them.
func (h *Host) Warnings() []string {
	var list []string
	if h.config.Locked {
		return nil
	}
	for _, d := range h.plugins.Drifts() {
		list = append(list, d.Message+"; "+d.Help)
	}
	return list
}

// drifted says that plugins differ from the lock file, where that is refused.
// One that is not pinned only matters when it is used.
func (h *Host) drifted() error {
	if !h.config.Locked {
		return nil
	}
	for _, d := range h.plugins.Drifts() {
		if d.Pinned {
			return driftError(d)
		}
	}
	return nil
}

func driftError(d *store.DriftError) error {
	return &PluginError{ID: d.ID, Fault: Drifted, Message: d.Message, Help: d.Help}
}

// problem says why the plugin with an id cannot be used, or nil.
func (h *Host) problem(id string) error {
	p := h.plugins.Get(id)
	if p == nil {
		return &PluginError{ID: id, Fault: Absent, Message: "it is not installed", Help: "zlayer plugin list shows what is"}
	}
	var (
		drift   *store.DriftError
		refused *store.RefusedError
	)
	switch {
	case p.Problem == nil:
		return nil
	case errors.As(p.Problem, &drift):
		return driftError(drift)
	case errors.As(p.Problem, &refused):
		return &PluginError{ID: id, Fault: Refused, Message: refused.Message, Help: refused.Help}
	}
	return &PluginError{ID: id, Message: "it cannot be used", Help: problemHelp(p), Err: p.Problem}
}

// problemHelp says what to do about a plugin that cannot be used.
func problemHelp(p *store.Plugin) string {
	var (
		version  *manifest.VersionError
		platform *store.PlatformError
	)
	switch {
	case errors.As(p.Problem, &version):
		return version.Help() + "; it is in " + p.Dir
	case errors.As(p.Problem, &platform):
		return platform.Help()
	}
	return reinstall(p)
}

// reinstall is the advice for a plugin that is broken.
func reinstall(p *store.Plugin) string {
	if p.Record != nil && p.Record.Source != "" {
		return "zlayer plugin add " + p.Record.Source + " installs it anew; or report this to its author"
	}
	return "reinstall it, or report this to its author; it is in " + p.Dir
}

// tampered says that a file of a plugin is not what its manifest says.
func tampered(p *store.Plugin, path, expected, got string) error {
	e := &PluginError{
		ID:      p.ID,
		Message: path + " is not the file its manifest names: expected " + expected + ", got " + got,
		Help:    "reinstall it; if you built it yourself, run zlayer plugin seal " + p.Dir,
	}
	if p.Origin == store.Installed {
		e.Help = reinstall(p)
	}
	return e
}
