// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
)

// LockName is the name of a project's lock file.
const LockName = lockfile.Name

// FindLock returns the path of the lock file in a folder or the nearest one
// above it, or "".
func FindLock(dir string) string { return lockfile.Find(dir) }

// PlanLocked says what is to be installed so that exactly what the project's
// lock file pins is there. With from, plugins come from that mirror and not
// from where the lock file says. Whoever wrote the lock file has accepted what
// they may touch, so nothing is asked.
func (m *Manager) PlanLocked(ctx context.Context, from string) (*Plan, error) {
	file, err := m.lockFile()
	if err != nil {
		return nil, err
	}
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	if err := p.addPinned(ctx, file, from); err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// lockFile reads the project's lock file, which must be there.
func (m *Manager) lockFile() (*lockfile.File, error) {
	if m.config.LockFile == "" {
		return nil, &host.InputError{Message: "there is no " + lockfile.Name + " here or above", Help: "zlayer plugin lock writes one"}
	}
	return readLock(m.config.LockFile)
}

// readLock reads a lock file.
func readLock(path string) (*lockfile.File, error) {
	file, err := lockfile.Read(path)
	var bad *lockfile.Error
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &host.InputError{Message: "there is no lock file " + path, Help: "zlayer plugin lock writes one"}
	case err != nil && !errors.As(err, &bad):
		return nil, &host.InputError{Message: "the lock file cannot be read", Help: "check its permissions", Err: err}
	}
	return file, explain(err, "", "")
}

func (p *Plan) addPinned(ctx context.Context, file *lockfile.File, from string) error {
	var mirror source.Source
	if from != "" {
		var err error
		if mirror, err = p.open(ctx, from); err != nil {
			return err
		}
	}
	for _, e := range file.Plugins {
		c, err := p.pinned(ctx, e, mirror)
		if err != nil {
			return err
		}
		p.Changes = append(p.Changes, c)
	}
	return nil
}

// pinned says what one pin needs.
func (p *Plan) pinned(ctx context.Context, e lockfile.Entry, mirror source.Source) (*Change, error) {
	if there := p.manager.shelf.Get(e.ID, e.Manifest); there != nil && there.Problem == nil && there.Verify() == nil {
		return keep(there), nil
	}
	release, err := p.release(ctx, e, mirror)
	if err != nil {
		return nil, err
	}
	release.Source, release.Resolved = e.Source, e.Resolved // a mirror does not matter
	c := describe(release)
	c.Action = Add
	return c, p.manager.sign(c, release)
}

// release finds exactly what is pinned: in a mirror, or where the lock file
// says.
func (p *Plan) release(ctx context.Context, e lockfile.Entry, mirror source.Source) (*source.Release, error) {
	if err := e.Speaks(); err != nil {
		return nil, explain(err, e.ID, "")
	}
	if mirror != nil {
		release, err := mirror.Release(ctx, e.ID, source.Want{Manifest: e.Manifest})
		return release, explain(err, e.ID, "")
	}
	release, err := p.again(ctx, e.ID, e.Resolved, e.Manifest)
	if err != nil {
		return nil, lost(e, err)
	}
	if drift := e.Drift(release.Manifest, release.Digest); len(drift) > 0 {
		return nil, &host.PluginError{
			ID: e.ID, Fault: host.Drifted,
			Message: fmt.Sprintf("%s no longer has what %s pins: %s", release.Resolved, p.manager.config.LockFile, strings.Join(drift, "; ")),
			Help:    fmt.Sprintf("zlayer plugin add %s and zlayer plugin lock %s accept what is there now", e.Source, e.ID),
		}
	}
	return release, nil
}

// again opens a source where a release was found before. Where it may have
// several, it is the one with the digest; else it is what is there now.
func (p *Plan) again(ctx context.Context, id, resolved, digest string) (*source.Release, error) {
	opened, err := p.open(ctx, resolved)
	if err != nil {
		return nil, err
	}
	want := source.Want{}
	if opened.IDs() != nil {
		want.Manifest = digest
	}
	release, err := opened.Release(ctx, id, want)
	return release, explain(err, id, resolved)
}

// lost adds to an error what to do about a pin that is no longer where it was,
// or never was anywhere else than on its author's machine.
func lost(e lockfile.Entry, err error) error {
	var plugin *host.PluginError
	if !errors.As(err, &plugin) || plugin.Fault != host.Absent {
		return err
	}
	found := *plugin
	found.ID = e.ID
	found.Help = fmt.Sprintf("--from names a mirror that has it; zlayer plugin add %s and zlayer plugin lock %s pin what is there now", e.Source, e.ID)
	if e.Development {
		found.Help = "it was installed from a folder, which only its author has: publish it, add it from there, and lock it again"
	}
	return &found
}

// keep is a change that changes nothing.
func keep(there *store.Plugin) *Change {
	m, r := there.Manifest, there.Record
	v := Version{Version: m.Version, Digest: there.Digest}
	return &Change{
		ID: m.ID, Kind: string(m.Kind), Protocol: protocol(m), Summary: m.Summary,
		Action: Nothing, Before: &v, After: v, Source: r.Source, Resolved: r.Resolved, Development: r.Development,
	}
}

// Locking says what Lock did to one pin.
type Locking struct {
	// ID and Version are the plugin's.
	ID      string `json:"id"`
	Version string `json:"version"`
	// Done is "pinned", "changed", "removed" or "unchanged".
	Done string `json:"done"`
	// Differences are those to the pin before.
	Differences []string `json:"differences,omitempty"`
}

// Lock pins installed plugins in a lock file, which it makes if it is missing:
// those with the ids, or all. Pins of others stay.
func (m *Manager) Lock(ctx context.Context, path string, ids ...string) ([]Locking, error) {
	if len(ids) == 0 {
		var err error
		if ids, err = m.shelf.IDs(); err != nil {
			return nil, explain(err, "", "")
		}
	}
	return m.editLock(ctx, path, func(file *lockfile.File) ([]Locking, error) {
		done := []Locking{}
		for _, id := range ids {
			l, err := m.lock(file, id)
			if err != nil {
				return nil, err
			}
			done = append(done, l)
		}
		return done, ctx.Err()
	})
}

// Unlock removes pins from a lock file.
func (m *Manager) Unlock(path string, ids ...string) ([]Locking, error) {
	return m.editLock(context.Background(), path, func(file *lockfile.File) ([]Locking, error) {
		done := []Locking{}
		for _, id := range ids {
			e, _ := file.Entry(id)
			if !file.Drop(id) {
				return nil, &host.PluginError{ID: id, Fault: host.Absent, Message: path + " does not pin it", Help: "check the id"}
			}
			done = append(done, Locking{ID: id, Version: e.Version, Done: "removed"})
		}
		return done, nil
	})
}

// editLock changes a lock file, one process at a time, so that no pin is lost.
func (m *Manager) editLock(ctx context.Context, path string, edit func(*lockfile.File) ([]Locking, error)) (done []Locking, err error) {
	err = m.shelf.Alone(ctx, func() error {
		file := &lockfile.File{Schema: lockfile.Schema}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			if file, err = readLock(path); err != nil {
				return err
			}
		}
		if done, err = edit(file); err != nil {
			return err
		}
		if err := file.Write(path); err != nil {
			return &host.InputError{Message: "the lock file cannot be written", Help: "check the permissions of its folder; nothing was changed", Err: err}
		}
		return nil
	})
	return done, explain(err, "", "")
}

// lock pins one plugin.
func (m *Manager) lock(file *lockfile.File, id string) (Locking, error) {
	p, err := m.installed(id)
	if err != nil {
		return Locking{}, err
	}
	raw, err := p.RawManifest()
	if err != nil {
		return Locking{}, explain(err, id, "")
	}
	l := Locking{ID: id, Version: p.Manifest.Version, Done: "pinned"}
	e := lockfile.NewEntry(p.Manifest, raw, p.Record.Source, p.Record.Resolved, p.Record.Development)
	if old, there := file.Entry(id); there {
		l.Done, l.Differences = "unchanged", old.Drift(p.Manifest, p.Digest)
		if old.Resolved != e.Resolved || old.Source != e.Source {
			l.Differences = append(l.Differences, fmt.Sprintf("source: locked %s, found %s", old.Resolved, e.Resolved))
		}
		if len(l.Differences) == 0 {
			return l, nil
		}
		l.Done = "changed"
	}
	file.Put(e)
	return l, nil
}

// installed returns the installed plugin with an id, as it can be used.
func (m *Manager) installed(id string) (*store.Plugin, error) {
	p, err := m.shelf.Current(id)
	switch {
	case err != nil:
		return nil, explain(err, id, "")
	case p == nil && m.bundled(id):
		return nil, &host.PluginError{ID: id, Fault: host.Absent, Message: "it came with zlayer and is not installed", Help: "the version of zlayer pins it"}
	case p == nil:
		return nil, notInstalled(id)
	case p.Problem != nil:
		return nil, &host.PluginError{ID: id, Message: "it cannot be used", Help: helpFor(p), Err: p.Problem}
	}
	return p, nil
}
