// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"github.com/zlayer/zlayer/host/internal/plan"
	"github.com/zlayer/zlayer/host/internal/procrun"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Plan says which backend builds a request for one platform, and why.
type Plan struct {
	// Platform is the platform, when the request is for several.
	Platform string
	// Backend is the id of the chosen backend. Empty when none fits.
	Backend string
	// Text explains the choice for people, backend by backend.
	Text string
	// Err is the *UnsupportedError that Build would return, for one of several
	// platforms in a *PlatformError. Nil when a backend fits.
	Err error
}

// Plan resolves a request and chooses a backend for each of its platforms, and
// builds nothing. To explain the choice it also asks backends that Build would
// not have to.
func (h *Host) Plan(ctx context.Context, r Request) ([]Plan, error) {
	r, err := r.normal()
	if err != nil {
		return nil, err
	}
	if err := h.checkRequest(r); err != nil {
		return nil, err
	}
	f, checked, err := h.read(ctx, r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o, err := h.order(ctx, f.Request, checked, f.emit)
	if err != nil {
		return nil, err
	}
	var plans []Plan
	for _, b := range o.builds {
		p, err := h.plan(ctx, b.resolved, b.request, true)
		if err != nil {
			return nil, b.failed(err)
		}
		plans = append(plans, Plan{Platform: b.platform, Backend: p.Backend, Text: p.Text(), Err: b.failed(unsupported(p, b.resolved))})
	}
	return plans, nil
}

// choose returns the backend for a build.
func (h *Host) choose(ctx context.Context, resolved *Resolved, r Request) (*store.Plugin, error) {
	p, err := h.plan(ctx, resolved, r, false)
	if err != nil {
		return nil, err
	}
	if err := unsupported(p, resolved); err != nil {
		return nil, err
	}
	return h.plugins.Get(p.Backend), nil
}

// plan asks only those backends about this machine whose answer counts. That
// the one it would choose cannot answer is an error; of any other it is a part
// of the explanation.
func (h *Host) plan(ctx context.Context, resolved *Resolved, r Request, explain bool) (plan.Plan, error) {
	if !procrun.Supported {
		return plan.Plan{}, &UnsupportedError{SourceError{Files: resolved.Checked.Files, Diagnostics: []*diagv1.Diagnostic{nowhere()}}}
	}
	if r.Backend != "" {
		if err := h.problem(r.Backend); err != nil {
			return plan.Plan{}, err
		}
	}
	ask := plan.Request{
		Build: resolved.Build, Candidates: h.candidates(),
		Prefer: r.Prefer, Backend: r.Backend, Experimental: r.Experimental, Explain: explain,
	}
	for {
		p := plan.Make(ask)
		if p.Ask == "" {
			return p, nil
		}
		i := slices.IndexFunc(ask.Candidates, func(c plan.Candidate) bool { return c.ID == p.Ask })
		d, err := h.describe(ctx, h.plugins.Get(p.Ask), ask, newEmitter(r.Events))
		switch {
		case err == nil:
			ask.Candidates[i].Description = d
		case p.Ask == p.Backend || ctx.Err() != nil:
			return p, err
		default:
			ask.Candidates[i].Problem = problemOf(err)
		}
	}
}

// nowhere says that no backend runs on this system.
func nowhere() *diagv1.Diagnostic {
	d := diag.Error(nil, plan.CodeNoBackend, "nothing can be built on "+runtime.GOOS+": backends run on Linux and macOS")
	d.Help = "build in WSL 2 or on another machine; check, ir and explain work here"
	return d
}

// candidates lists the installed backends, those that cannot be used too.
func (h *Host) candidates() []plan.Candidate {
	var list []plan.Candidate
	for _, p := range h.plugins.Backends() {
		c := plan.Candidate{ID: p.ID, Capabilities: capabilities(p.Manifest)}
		if p.Problem != nil {
			c.Problem = p.Problem.Error()
		}
		list = append(list, c)
	}
	return list
}

// problemOf says why a backend cannot be used, without its name.
func problemOf(err error) string {
	var e *PluginError
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
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
