// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

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
