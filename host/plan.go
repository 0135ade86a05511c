// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"

	"github.com/zlayer/zlayer/host/internal/plan"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Plan says which backend builds a request, and why.
type Plan struct {
	// Backend is the id of the chosen backend. Empty when none fits.
	Backend string
	// Text explains the choice for people, backend by backend.
	Text string
	// Err is the *UnsupportedError that Build would return. Nil when a
	// backend fits.
	Err error
}

// Plan resolves a request and chooses a backend, and builds nothing.
func (h *Host) Plan(ctx context.Context, r Request) (*Plan, error) {
	if err := h.checkRequest(r); err != nil {
		return nil, err
	}
	resolved, err := h.Resolve(ctx, r)
	if err != nil {
		return nil, err
	}
	p, err := h.plan(ctx, resolved, r.Backend)
	if err != nil {
		return nil, err
	}
	return &Plan{Backend: p.Backend, Text: p.Text(), Err: unsupported(p, resolved)}, nil
}

// choose returns the backend for a build.
func (h *Host) choose(ctx context.Context, resolved *Resolved, wanted string) (*store.Plugin, error) {
	if wanted != "" {
		if err := h.problem(wanted); err != nil {
			return nil, err
		}
	}
	p, err := h.plan(ctx, resolved, wanted)
	if err != nil {
		return nil, err
	}
	if err := unsupported(p, resolved); err != nil {
		return nil, err
	}
	return h.plugins.Get(p.Backend), nil
}

// plan asks only those backends about this machine that would be chosen by
// their manifests.
func (h *Host) plan(ctx context.Context, resolved *Resolved, wanted string) (plan.Plan, error) {
	r := plan.Request{Build: resolved.Build, Backend: wanted}
	for _, p := range h.plugins.Backends() {
		r.Candidates = append(r.Candidates, plan.Candidate{ID: p.ID, Capabilities: capabilities(p.Manifest)})
	}
	for {
		p := plan.Make(r)
		if p.Ask == "" {
			return p, nil
		}
		for i := range r.Candidates {
			if c := &r.Candidates[i]; c.ID == p.Ask {
				d, err := h.describe(ctx, h.plugins.Get(c.ID))
				if err != nil {
					return p, err
				}
				c.Description = d
			}
		}
	}
}

// capabilities returns what a manifest claims; nothing when it claims nothing.
func capabilities(m *manifest.Manifest) manifest.Capabilities {
	if m.Capabilities == nil {
		return manifest.Capabilities{}
	}
	return *m.Capabilities
}

// unsupported returns the error of a plan without a backend, or nil.
func unsupported(p plan.Plan, resolved *Resolved) error {
	if p.Backend != "" {
		return nil
	}
	return &UnsupportedError{SourceError{Files: resolved.Checked.Files, Diagnostics: p.Diagnostics()}}
}
