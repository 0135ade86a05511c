// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/internal/inventory"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/host/internal/wasmrun"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Unchecked is the Signature of what is signed where nobody is trusted yet.
const Unchecked = "not looked at"

// Plugin is a plugin that was found.
type Plugin struct {
	// ID is its id; the folder's name when its manifest cannot be read.
	ID string `json:"id"`
	// Version, Kind, Protocol and Summary are what its manifest says.
	Version  string `json:"version,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Summary  string `json:"summary,omitempty"`
	// Origin is "bundle", "installed" or "plugin-dir", Path its folder.
	Origin string `json:"origin"`
	Path   string `json:"path"`
	// Source and Resolved say where an installed one came from, and when.
	Source   string     `json:"source,omitempty"`
	Resolved string     `json:"resolved,omitempty"`
	Added    *time.Time `json:"added,omitempty"`
	// Digest is that of its manifest.
	Digest string `json:"digest,omitempty"`
	// Development says that it is a plain folder on this machine.
	Development bool `json:"development,omitempty"`
	// Signature says who signed an installed one, or why that is not known;
	// Signed that it is somebody who is trusted.
	Signature string `json:"signature,omitempty"`
	Signed    bool   `json:"signed,omitempty"`
	// Compiled says whether the compile cache has it. Nil for backends.
	Compiled *bool `json:"compiled,omitempty"`
	// Grants are what it may touch.
	Grants []grant.Grant `json:"grants,omitempty"`
	// Fault is what is the matter; "" also where nothing is, when Problem is
	// empty.
	Fault host.Fault `json:"fault,omitempty"`
	// Problem says why it cannot be used, and Help what to do. Empty when it
	// can.
	Problem string `json:"problem,omitempty"`
	Help    string `json:"help,omitempty"`
	// Manifest is the whole manifest. Nil when it cannot be read.
	Manifest *manifest.Manifest `json:"manifest,omitempty"`
}

// List returns all plugins, also those that cannot be used, sorted by id.
func (m *Manager) List() ([]Plugin, error) {
	set, err := m.find(true)
	if err != nil {
		return nil, err
	}
	view, err := m.newView()
	if err != nil {
		return nil, err
	}
	defer view.close()
	list := []Plugin{}
	for _, p := range set.All() {
		list = append(list, view.of(p))
	}
	return list, nil
}

// view shows plugins as they are.
type view struct {
	manager  *Manager
	runner   *wasmrun.Runner // nil where nothing was ever compiled
	verifier *trust.Verifier // nil where nobody is trusted
}

func (m *Manager) newView() (*view, error) {
	v := &view{manager: m}
	if len(m.trust().Keys)+len(m.trust().Identities) > 0 {
		var err error
		if v.verifier, err = trust.Open(m.trust()); err != nil {
			return nil, trustError(err)
		}
	}
	// A state folder that cannot be written has plugins all the same.
	if _, err := os.Stat(m.cache()); err == nil {
		v.runner, _ = m.runner()
	}
	return v, nil
}

func (v *view) close() {
	if v.runner != nil {
		_ = v.runner.Close()
	}
}

func (v *view) of(p *store.Plugin) Plugin {
	out := Plugin{ID: p.ID, Origin: string(p.Origin), Path: p.Dir, Digest: p.Digest, Manifest: p.Manifest}
	if m := p.Manifest; m != nil {
		out.Version, out.Kind, out.Summary, out.Protocol = m.Version, string(m.Kind), m.Summary, protocol(m)
		out.Grants = grant.Of(m)
		out.Compiled = v.compiled(m)
	}
	if r := p.Record; r != nil {
		out.Source, out.Resolved, out.Added, out.Development = r.Source, r.Resolved, &r.Added, r.Development
		out.Signature, out.Signed = v.signature(p)
	}
	if p.Origin == store.PluginDir {
		out.Development = true
	}
	if p.Problem != nil {
		out.Fault, out.Problem, out.Help = faultOfProblem(p.Problem), p.Problem.Error(), helpFor(p)
	}
	return out
}

// compiled says whether a frontend is in the compile cache.
func (v *view) compiled(m *manifest.Manifest) *bool {
	if m.Kind != manifest.Frontend {
		return nil
	}
	main, _ := m.Main(store.Platform())
	has := v.runner != nil && v.runner.Compiled(main.Digest)
	return &has
}

// signature says who signed an installed plugin, and whether they are trusted.
func (v *view) signature(p *store.Plugin) (string, bool) {
	switch {
	case p.Record.Development:
		return "development", false
	case len(p.Record.Bundles) == 0:
		return "none", false
	case v.verifier == nil:
		return Unchecked, false
	}
	signature, err := inventory.Signature(v.verifier, p.Record, p.Digest)
	if err != nil {
		return err.Error(), false
	}
	return signature.String(), true
}

// helpFor says what to do about a plugin that cannot be used.
func helpFor(p *store.Plugin) string {
	var (
		drift    *store.DriftError
		refused  *store.RefusedError
		shadowed *store.ShadowedError
		protocol *manifest.VersionError
		platform *store.PlatformError
	)
	switch {
	case errors.As(p.Problem, &drift):
		return drift.Help
	case errors.As(p.Problem, &refused):
		return refused.Help
	case errors.As(p.Problem, &shadowed):
		return ""
	case errors.As(p.Problem, &protocol):
		return protocol.Help()
	case errors.As(p.Problem, &platform):
		return platform.Help()
	case p.Record != nil:
		return "zlayer plugin add " + p.Record.Source + " installs it anew"
	case p.Origin == store.Installed:
		return "zlayer plugin remove " + p.ID + ", then add it again"
	}
	return "reinstall it, or report this to its author; it is in " + p.Dir
}

// Info returns an installed plugin by its id, or else what a source offers.
func (m *Manager) Info(ctx context.Context, idOrSource string) (*Plugin, error) {
	list, err := m.List()
	if err != nil {
		return nil, err
	}
	var found *Plugin
	for i := range list {
		if list[i].ID == idOrSource && (found == nil || found.Problem != "") {
			found = &list[i]
		}
	}
	if found != nil {
		return found, nil
	}
	return m.offered(ctx, idOrSource)
}

// offered describes what a source offers. Nothing is installed.
func (m *Manager) offered(ctx context.Context, text string) (*Plugin, error) {
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if _, err := source.Parse(text); err != nil && manifest.ValidID(text) {
		return nil, notInstalled(text)
	}
	opened, err := p.open(ctx, text)
	if err != nil {
		return nil, err
	}
	release, err := opened.Release(ctx, "", source.Want{})
	if err != nil {
		return nil, explain(err, "", text)
	}
	c := describe(release)
	if err := m.sign(c, release); err != nil {
		c.Signature = err.Error()
	}
	return &Plugin{
		ID: c.ID, Version: c.After.Version, Kind: c.Kind, Protocol: c.Protocol, Summary: c.Summary, Origin: "source",
		Source: c.Source, Resolved: c.Resolved, Digest: c.After.Digest, Development: c.Development,
		Signature: c.Signature, Grants: c.Grants, Manifest: release.Manifest,
	}, nil
}
