// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"errors"
	"fmt"
	"slices"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// change compares a release with what is installed, and refuses what must not
// be put in its place.
func (m *Manager) change(r *source.Release, o AddOptions) (*Change, error) {
	installed, err := m.shelf.Current(r.Manifest.ID)
	if err != nil {
		return nil, explain(err, r.Manifest.ID, r.Source)
	}
	if !o.Replace {
		if err := m.conflict(installed, r); err != nil {
			return nil, err
		}
	}
	if !o.Collide {
		if err := m.collision(r); err != nil {
			return nil, err
		}
	}
	c := describe(r)
	c.compare(installed)
	return c, m.sign(c, r)
}

// describe is a change to a release, before it is compared with anything.
func describe(r *source.Release) *Change {
	c := &Change{
		ID: r.Manifest.ID, Kind: string(r.Manifest.Kind), Protocol: protocol(r.Manifest), Summary: r.Manifest.Summary,
		After:  Version{Version: r.Manifest.Version, Digest: r.Digest},
		Source: r.Source, Resolved: r.Resolved, Development: r.Development,
		Grants: grant.Of(r.Manifest), Notes: slices.Clone(r.Notes), release: r,
	}
	if ahead := r.Manifest.Ahead(); ahead != "" {
		c.Notes = append(c.Notes, ahead)
	}
	return c
}

func protocol(m *manifest.Manifest) string {
	return fmt.Sprintf("%d.%d", m.Protocol.Major, m.Protocol.Minor)
}

// compare fills in what happens and how it differs. What a broken one was
// allowed to do nobody knows, and what was accepted of one from elsewhere says
// nothing, so then everything is asked again.
func (c *Change) compare(installed *store.Plugin) {
	c.Action, c.Asks = Add, c.release.Manifest.Kind == manifest.Backend
	if installed == nil || installed.Manifest == nil {
		return
	}
	before := installed.Manifest
	c.Action, c.Before = Update, &Version{Version: before.Version, Digest: installed.Digest}
	c.Differences = grant.Diff(before, c.release.Manifest)
	known := installed.Record != nil && origin(installed.Record.Source) == origin(c.Source)
	c.Asks = grant.Widens(c.Differences) || c.Asks && !known && installed.Digest != c.After.Digest
	if installed.Problem == nil && installed.Digest == c.After.Digest && installed.Verify() == nil {
		c.Action, c.Asks = Nothing, false
	}
}

// sign judges the signature of a release by the policy.
func (m *Manager) sign(c *Change, r *source.Release) error {
	if m.policy == trust.Off && len(m.trust().Keys)+len(m.trust().Identities) == 0 {
		c.Signature = Unchecked
		return nil
	}
	verifier, err := trust.Open(m.trust())
	if err != nil {
		return trustError(err)
	}
	signature, err := verifier.Verify(c.ID, r.Subject, r.Bundles)
	decision := trust.Decide(m.policy, signature, err, r.Development)
	c.Signature = decision.Message
	switch decision.Verdict {
	case trust.Refuse:
		return &host.PluginError{ID: c.ID, Fault: host.Refused, Message: decision.Message, Help: decision.Help}
	case trust.Caution:
		c.Notes = append(c.Notes, decision.Message+"; "+decision.Help)
	}
	return nil
}

// trustError is about the settings that say who is trusted.
func trustError(err error) error {
	return &host.InputError{Message: "the settings about signatures cannot be used", Help: "correct the setting; zlayer config shows where it comes from", Err: err}
}

// conflict refuses a release that would take the place of another plugin.
func (m *Manager) conflict(installed *store.Plugin, r *source.Release) error {
	e := &host.PluginError{ID: r.Manifest.ID, Fault: host.Refused, Help: "--replace puts this one in its place"}
	switch {
	case installed == nil && m.bundled(r.Manifest.ID):
		e.Message = "a plugin with this id came with zlayer"
	case installed == nil || installed.Record == nil || installed.Manifest == nil || installed.Digest == r.Digest:
		return nil
	case installed.Record.Development && r.Development:
		return nil // its author tries a new build
	case origin(installed.Record.Source) != origin(r.Source):
		e.Message = fmt.Sprintf("a plugin with this id is installed from %s, and this one is from %s", installed.Record.Source, r.Source)
	case installed.Manifest.Version == r.Manifest.Version && installed.Problem == nil:
		e.Message = fmt.Sprintf("version %s is installed with digest %s, and %s now has it with digest %s: a version must not change",
			r.Manifest.Version, installed.Digest, r.Source, r.Digest)
		e.Help = "ask its author; --replace installs the other one"
	default:
		return nil
	}
	return e
}

// origin is where a source is, without what was asked for of it.
func origin(text string) string {
	spec, err := source.Parse(text)
	if err != nil {
		return text
	}
	spec.Tag, spec.Digest = "", ""
	return spec.String()
}

// bundled says whether a plugin came with zlayer.
func (m *Manager) bundled(id string) bool {
	set, err := m.find(false)
	return err == nil && slices.ContainsFunc(set.All(), func(p *store.Plugin) bool { return p.ID == id && p.Origin == store.Bundle })
}

// collision refuses a frontend that collides with one that is there.
func (m *Manager) collision(r *source.Release) error {
	if r.Manifest.Claims == nil {
		return nil
	}
	set, err := m.find(false)
	if err != nil {
		return err
	}
	for _, p := range set.All() {
		var shadowed *store.ShadowedError
		if p.ID == r.Manifest.ID || p.Manifest == nil || errors.As(p.Problem, &shadowed) {
			continue
		}
		remove := ""
		if p.Origin == store.Installed {
			remove = "zlayer plugin remove " + p.ID
		}
		if err := collide(r.Manifest, p.Manifest, remove); err != nil {
			return err
		}
	}
	return nil
}

// collide refuses a frontend that claims exactly what another one claims with
// the same priority: which of the two is used would only depend on their ids.
// One way out is what to do about the other; "" when nothing can be done.
func collide(m, other *manifest.Manifest, way string) error {
	claim, ok := overlap(other.Claims, m.Claims)
	if !ok {
		return nil
	}
	if way != "" {
		way += ", or "
	}
	return &host.PluginError{
		ID: m.ID, Fault: host.Refused,
		Message: fmt.Sprintf("it claims %q with priority %d, and so does %s", claim, m.Claims.Priority, other.ID),
		Help:    way + "add it with --collide: the smaller id then wins, and a \"# syntax=\" line chooses",
	}
}

// overlap returns a claim that two frontends have in common.
func overlap(a, b *manifest.Claims) (string, bool) {
	if a == nil || b == nil || a.Priority != b.Priority {
		return "", false
	}
	for _, claims := range [][2][]string{{a.Files, b.Files}, {a.Syntaxes, b.Syntaxes}} {
		for _, claim := range claims[0] {
			if slices.Contains(claims[1], claim) {
				return claim, true
			}
		}
	}
	return "", false
}
