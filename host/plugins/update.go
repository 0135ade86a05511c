// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"slices"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/version"
)

// PlanUpdate says what updating plugins would change: those with the ids, or
// all that are installed. Each is looked for where it came from. Of all, those
// whose source fails are left as they are, and the plan's Failed says why.
func (m *Manager) PlanUpdate(ctx context.Context, ids ...string) (*Plan, error) {
	all := len(ids) == 0
	if all {
		var err error
		if ids, err = m.shelf.IDs(); err != nil {
			return nil, explain(err, "", "")
		}
	}
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		err := p.update(ctx, id)
		if err != nil && (!all || ctx.Err() != nil) {
			p.Close()
			return nil, err
		}
		p.Failed = errors.Join(p.Failed, err)
	}
	return p, nil
}

// update looks for a newer release of one plugin.
func (p *Plan) update(ctx context.Context, id string) error {
	installed, err := p.manager.updatable(id)
	if err != nil {
		return err
	}
	text := source.Newest(installed.Record.Source)
	opened, err := p.open(ctx, text)
	if err != nil {
		return err
	}
	release, err := opened.Release(ctx, id, source.Want{})
	if err != nil {
		return explain(err, id, text)
	}
	if installed.Problem == nil && version.Compare(release.Manifest.Version, installed.Manifest.Version) < 0 {
		c := keep(installed)
		c.Notes = slices.Concat(release.Notes, []string{"the newest version there is " + release.Manifest.Version + ", which is older"})
		p.Changes = append(p.Changes, c)
		return nil
	}
	c, err := p.manager.change(release, AddOptions{Collide: true})
	if err != nil {
		return err
	}
	c.current = true
	c.Notes = append(c.Notes, p.manager.pinnedNote(id, c)...)
	p.Changes = append(p.Changes, c)
	return nil
}

// updatable returns the installed plugin with an id. What is the matter with it
// does not matter: another version may be the cure.
func (m *Manager) updatable(id string) (*store.Plugin, error) {
	p, err := m.shelf.Current(id)
	if err != nil {
		return nil, explain(err, id, "")
	}
	if p == nil || p.Record == nil {
		return m.installed(id)
	}
	return p, nil
}

// pinnedNote says that the project's lock file goes before what is installed.
func (m *Manager) pinnedNote(id string, c *Change) []string {
	if m.config.LockFile == "" || c.Action == Nothing {
		return nil
	}
	file, err := m.lockFile()
	if err != nil {
		return nil
	}
	if e, there := file.Entry(id); there && e.Manifest != c.After.Digest {
		return []string{m.config.LockFile + " pins version " + e.Version + ", which this project goes on using; zlayer plugin lock " + id + " pins the new one"}
	}
	return nil
}

// PlanRollback says what going back to the version before would change. The
// version that is left is kept, so that a second rollback undoes the first.
func (m *Manager) PlanRollback(ctx context.Context, id string) (*Plan, error) {
	installed, err := m.shelf.Current(id)
	if err != nil {
		return nil, explain(err, id, "")
	}
	before, err := m.shelf.Previous(id)
	if err != nil {
		return nil, explain(err, id, "")
	}
	if before.Problem != nil {
		return nil, &host.PluginError{ID: id, Message: "the version before cannot be used", Help: helpFor(before), Err: before.Problem}
	}
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	c := keep(before)
	c.Action, c.Before = Rollback, nil
	if installed != nil && installed.Manifest != nil {
		c.Before = &Version{Version: installed.Manifest.Version, Digest: installed.Digest}
		c.Differences = grant.Diff(installed.Manifest, before.Manifest)
	}
	c.Grants = grant.Of(before.Manifest)
	c.Notes = m.pinnedNote(id, c)
	p.Changes = []*Change{c}
	return p, nil
}
