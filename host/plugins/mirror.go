// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"os"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/source"
)

// Mirrored says what Mirror copied.
type Mirrored struct {
	// ID and Version are the plugin's, Platforms those it has files for; none
	// when it runs everywhere.
	ID        string   `json:"id"`
	Version   string   `json:"version"`
	Platforms []string `json:"platforms,omitempty"`
	// From is where it was copied from.
	From string `json:"from"`
	// Digest is that of the manifest; it pins every file.
	Digest string `json:"digest"`
}

// Mirror copies plugins, with the files of every platform and their signatures,
// into a folder or an archive, from which they are added without a network. The
// sources are registry references, URLs and the like; without any, it is what
// the project's lock file pins, or else all that is installed. What the folder
// has already stays.
func (m *Manager) Mirror(ctx context.Context, destination string, sources ...string) ([]Mirrored, error) {
	p, err := m.newPlan(ctx)
	if err != nil {
		return nil, err
	}
	defer p.Close()
	releases, err := p.toMirror(ctx, sources)
	if err != nil {
		return nil, err
	}
	target, err := m.target(ctx, destination)
	if err != nil {
		return nil, err
	}
	defer target.close()
	if target.layout == nil {
		return nil, &host.InputError{Message: destination + " is not a folder or a .tar", Help: "write ./FOLDER or FILE.tar"}
	}
	list := []Mirrored{}
	for _, r := range releases {
		if err := r.CopyTo(ctx, target.layout.Plugin(r.Manifest.ID)); err != nil {
			return nil, explain(err, r.Manifest.ID, r.Source)
		}
		list = append(list, Mirrored{
			ID: r.Manifest.ID, Version: r.Manifest.Version, Platforms: r.Manifest.Platforms(), From: r.Resolved, Digest: r.Digest,
		})
	}
	return list, explain(target.finish(ctx, nil), "", destination)
}

// toMirror finds what is to be copied.
func (p *Plan) toMirror(ctx context.Context, sources []string) ([]*source.Release, error) {
	switch {
	case len(sources) > 0:
		return p.releasesOf(ctx, sources)
	case p.manager.config.LockFile != "":
		return p.lockedReleases(ctx)
	}
	return p.installedReleases(ctx)
}

// releasesOf finds all that sources have.
func (p *Plan) releasesOf(ctx context.Context, sources []string) ([]*source.Release, error) {
	var list []*source.Release
	for _, text := range sources {
		opened, err := p.open(ctx, text)
		if err != nil {
			return nil, err
		}
		ids := opened.IDs()
		if ids == nil {
			ids = []string{""}
		}
		for _, id := range ids {
			r, err := opened.Release(ctx, id, source.Want{})
			if err != nil {
				return nil, explain(err, id, text)
			}
			list = append(list, r)
		}
	}
	return list, nil
}

// lockedReleases finds what the lock file pins, where it says.
func (p *Plan) lockedReleases(ctx context.Context) ([]*source.Release, error) {
	file, err := p.manager.lockFile()
	if err != nil {
		return nil, err
	}
	var list []*source.Release
	for _, e := range file.Plugins {
		r, err := p.release(ctx, e, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// installedReleases finds what is installed, where it came from: only there are
// the files of other platforms.
func (p *Plan) installedReleases(ctx context.Context) ([]*source.Release, error) {
	ids, err := p.manager.shelf.IDs()
	if err != nil {
		return nil, explain(err, "", "")
	}
	if len(ids) == 0 {
		return nil, &host.PluginError{Fault: host.Absent, Message: "no plugin is installed", Help: "name what to mirror: zlayer plugin mirror DESTINATION SOURCE…"}
	}
	var list []*source.Release
	for _, id := range ids {
		installed, err := p.manager.installed(id)
		if err != nil {
			return nil, err
		}
		opened, err := p.open(ctx, installed.Record.Resolved)
		if err != nil {
			return nil, err
		}
		r, err := opened.Release(ctx, id, source.Want{})
		if err != nil {
			return nil, explain(err, id, installed.Record.Resolved)
		}
		list = append(list, r)
	}
	return list, nil
}

// target opens a destination. A folder or archive is made if it is missing.
func (m *Manager) target(ctx context.Context, destination string) (*target, error) {
	spec, err := source.ParseDestination(destination)
	if err != nil {
		return nil, explain(err, "", destination)
	}
	t := &target{spec: spec}
	switch spec.Kind {
	case source.Registry:
		t.repo, err = artifact.Registry(m.client, spec.Location)
	case source.Folder:
		t.layout, err = artifact.CreateLayout(spec.Location)
	case source.File:
		t.archive = spec.Location
		err = m.archiveLayout(ctx, t)
	default:
		return nil, &host.InputError{Message: "nothing can be written to " + destination, Help: "name a registry reference, a ./FOLDER or a FILE.tar"}
	}
	if err != nil {
		t.close()
		return nil, explain(err, "", destination)
	}
	return t, nil
}

// archiveLayout makes the layout that becomes an archive: with what the archive
// has, when it is there.
func (m *Manager) archiveLayout(ctx context.Context, t *target) error {
	var err error
	if t.scratch, err = m.shelf.Scratch(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(t.archive); err == nil {
		if err := source.Unpack(ctx, t.archive, t.scratch.Dir()); err != nil {
			return err
		}
	}
	t.layout, err = artifact.CreateLayout(t.scratch.Dir())
	return err
}
