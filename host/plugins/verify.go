// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"slices"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Verification is what Verify found about one plugin.
type Verification struct {
	// ID and Version are the plugin's, Origin and Path where it is.
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
	Origin  string `json:"origin"`
	Path    string `json:"path"`
	// Digest is that of its manifest.
	Digest string `json:"digest,omitempty"`
	// Signature says who signed it, or why that is not known.
	Signature string `json:"signature,omitempty"`
	// Fault is what is the matter; "" also where nothing is, when Problem is
	// empty.
	Fault host.Fault `json:"fault,omitempty"`
	// Problem says what is wrong, and Help what to do. Empty when all is well.
	Problem string `json:"problem,omitempty"`
	Help    string `json:"help,omitempty"`
}

// Verify compares every file of plugins with its digest, their manifests with
// what was installed, signatures with the settings, and all of it with the
// project's lock file: for those with the ids, or all that count.
func (m *Manager) Verify(ctx context.Context, ids ...string) ([]Verification, error) {
	set, err := m.find(true)
	if err != nil {
		return nil, err
	}
	view, err := m.newView()
	if err != nil {
		return nil, err
	}
	defer view.close()
	list := []Verification{}
	for _, p := range set.All() {
		var shadowed *store.ShadowedError
		wanted := len(ids) == 0 || slices.Contains(ids, p.ID)
		if wanted && !errors.As(p.Problem, &shadowed) {
			list = append(list, view.verify(p))
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return m.missing(set, list, ids)
}

// missing adds what should be there and is not.
func (m *Manager) missing(set *store.Set, list []Verification, ids []string) ([]Verification, error) {
	for _, d := range set.Drifts() {
		if set.Get(d.ID) == nil && (len(ids) == 0 || slices.Contains(ids, d.ID)) {
			list = append(list, Verification{ID: d.ID, Fault: host.Drifted, Problem: d.Message, Help: d.Help})
		}
	}
	for _, id := range ids {
		if !slices.ContainsFunc(list, func(v Verification) bool { return v.ID == id }) {
			return nil, notInstalled(id)
		}
	}
	for i := range list {
		for _, d := range set.Drifts() {
			if d.ID == list[i].ID && list[i].Problem == "" {
				list[i].Fault, list[i].Problem, list[i].Help = host.Drifted, d.Message, d.Help
			}
		}
	}
	return list, nil
}

// verify checks one plugin.
func (v *view) verify(p *store.Plugin) Verification {
	shown := v.of(p)
	out := Verification{
		ID: p.ID, Version: shown.Version, Origin: shown.Origin, Path: p.Dir, Digest: p.Digest, Signature: shown.Signature,
		Fault: shown.Fault, Problem: shown.Problem, Help: shown.Help,
	}
	if p.Problem != nil {
		return out
	}
	var sum *manifest.ChecksumError
	switch err := v.manager.compareFiles(p); {
	case errors.As(err, &sum):
		out.Problem = sum.Path + " is not the file its manifest names: expected " + sum.Want + ", got " + sum.Got
		out.Help = repair(p)
	case err != nil:
		out.Problem, out.Help = err.Error(), repair(p)
	}
	return out
}

// compareFiles compares the files of a plugin with their digests. Where that
// fails, another zlayer may have removed the plugin meanwhile, which is no fault
// of it, or have put it there anew.
func (m *Manager) compareFiles(p *store.Plugin) error {
	err := p.Verify()
	if err == nil || p.Origin != store.Installed {
		return err
	}
	if p = m.shelf.Get(p.ID, p.Digest); p == nil {
		return nil
	}
	return p.Verify()
}

// repair says how a damaged plugin is made whole.
func repair(p *store.Plugin) string {
	switch {
	case p.Origin == store.Installed:
		return helpFor(p)
	case p.Origin == store.PluginDir:
		return "if you built it yourself, run zlayer plugin seal " + p.Dir
	}
	return "install zlayer anew"
}

// faultOfProblem says what kind of problem it is.
func faultOfProblem(problem error) host.Fault {
	var (
		drift   *store.DriftError
		refused *store.RefusedError
		signed  *trust.Error
	)
	switch {
	case errors.As(problem, &drift):
		return host.Drifted
	case errors.As(problem, &refused), errors.As(problem, &signed):
		return host.Refused
	}
	return host.Broken
}
