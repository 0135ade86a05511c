// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"slices"

	"github.com/zlayer/zlayer/host"
)

// Removed says what Remove removed.
type Removed struct {
	// ID and Version are the plugin's; the version is "" where it could not be
	// read any more.
	ID      string `json:"id"`
	Version string `json:"version,omitempty"`
	// Notes are what the user should know.
	Notes []string `json:"notes,omitempty"`
}

// Remove removes plugins with all their versions, or none of them when one is
// not installed. What still runs goes on to its end.
func (m *Manager) Remove(ctx context.Context, ids ...string) ([]Removed, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	removed := []Removed{}
	for _, id := range ids {
		r, err := m.removal(id)
		if err != nil {
			return nil, err
		}
		removed = append(removed, r)
	}
	err := m.dropping(func() error { return m.shelf.Remove(ctx, ids...) })
	return removed, explain(err, "", "")
}

func (m *Manager) removal(id string) (Removed, error) {
	p, err := m.shelf.Current(id)
	if err != nil {
		return Removed{}, explain(err, id, "")
	}
	if p == nil {
		if m.bundled(id) {
			return Removed{}, &host.PluginError{
				ID: id, Fault: host.Absent, Message: "it came with zlayer and cannot be removed",
				Help: "another plugin of this id, added with --replace, takes its place",
			}
		}
		return Removed{}, notInstalled(id)
	}
	r := Removed{ID: id}
	if p.Manifest != nil {
		r.Version = p.Manifest.Version
	}
	if m.config.LockFile == "" {
		return r, nil
	}
	if file, err := m.lockFile(); err == nil {
		if _, there := file.Entry(id); there {
			r.Notes = append(r.Notes, m.config.LockFile+" still pins it; zlayer plugin lock --remove "+id+" removes the pin")
		}
	}
	return r, nil
}
