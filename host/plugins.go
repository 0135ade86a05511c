// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Plugin is a plugin that the host found.
type Plugin struct {
	// ID is its id; the folder's name when its manifest cannot be read.
	ID string `json:"id"`
	// Version is its version.
	Version string `json:"version,omitempty"`
	// Kind is "frontend" or "backend".
	Kind string `json:"kind,omitempty"`
	// Protocol is the version of the protocol it speaks, "major.minor".
	Protocol string `json:"protocol,omitempty"`
	// Summary is one line.
	Summary string `json:"summary,omitempty"`
	// Origin is "bundle", "installed" or "plugin-dir".
	Origin string `json:"origin"`
	// Path is its folder.
	Path string `json:"path"`
	// Problem says why it cannot be used. Empty when it can.
	Problem string `json:"problem,omitempty"`
}

// Plugins lists all plugins, also those that cannot be used, sorted by id.
func (h *Host) Plugins() []Plugin {
	list := []Plugin{}
	for _, p := range h.plugins.All() {
		list = append(list, describePlugin(p))
	}
	return list
}

func describePlugin(p *store.Plugin) Plugin {
	out := Plugin{ID: p.ID, Origin: string(p.Origin), Path: p.Dir}
	if m := p.Manifest; m != nil {
		out.Version, out.Kind, out.Summary = m.Version, string(m.Kind), m.Summary
		out.Protocol = m.Protocol.String()
	}
	if p.Problem != nil {
		out.Problem = p.Problem.Error()
	}
	return out
}

// Compiling reports whether a frontend is being translated to machine code in
// the background, as after the first call of one that is not in the compile
// cache. The work is lost when the process ends now.
func (h *Host) Compiling() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runner != nil && h.runner.Compiling()
}

// Compile fills the compile cache of every usable frontend.
func (h *Host) Compile(ctx context.Context) error {
	for _, p := range h.plugins.All() {
		if p.Problem != nil || p.Manifest.Kind != manifest.Frontend {
			continue
		}
		if err := h.compile(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (h *Host) compile(ctx context.Context, p *store.Plugin) error {
	file, digest, err := p.Main()
	if err != nil {
		return &PluginError{ID: p.ID, Message: "it cannot be used", Err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	runner, err := h.wasm()
	if err != nil {
		return err
	}
	if err := runner.Precompile(ctx, file, digest); err != nil {
		return frontendError(ctx, p, err)
	}
	return nil
}
