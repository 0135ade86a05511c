// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/registry"
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
		return nil, &host.InputError{Message: "a mirror is a folder or a .tar, and " + destination + " is neither", Help: "write ./FOLDER or FILE.tar; zlayer plugin publish writes to registries"}
	}
	list := []Mirrored{}
	for _, r := range releases {
		if err := r.CopyTo(ctx, target.layout.Plugin(r.Manifest.ID)); err != nil {
			return nil, target.explain(err, r.Manifest.ID, r.Source)
		}
		list = append(list, Mirrored{
			ID: r.Manifest.ID, Version: r.Manifest.Version, Platforms: r.Manifest.Platforms(), From: r.Resolved, Digest: r.Digest,
		})
	}
	return list, target.explain(target.finish(ctx, nil), "", destination)
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
		r, err := p.again(ctx, id, installed.Record.Resolved, installed.Digest)
		if err != nil {
			return nil, err
		}
		if r.Digest != installed.Digest {
			return nil, &host.PluginError{
				ID: id, Fault: host.Absent,
				Message: fmt.Sprintf("%s no longer has what is installed: expected digest %s, got %s", r.Resolved, installed.Digest, r.Digest),
				Help:    "zlayer plugin add " + r.Source + " installs what is there now",
			}
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
	switch {
	case spec.Kind == source.Registry && spec.Digest == "":
		t.repo, err = artifact.Registry(m.client, spec.Location)
		err = explain(err, "", destination)
	case spec.Kind == source.Folder:
		t.layout, err = artifact.CreateLayout(spec.Location)
		err = unwritable(destination, err)
	case spec.Kind == source.File && filepath.Ext(spec.Location) == ".tar":
		t.archive = spec.Location
		err = unwritable(destination, m.archiveLayout(ctx, t))
	default:
		err = &host.InputError{Message: "nothing can be written to " + spec.String(), Help: "name REGISTRY/REPOSITORY[:TAG], a ./FOLDER or a FILE.tar"}
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

// explain explains why something was not written to the target. What the system
// does not let us do is about the target.
func (t *target) explain(err error, id, from string) error {
	var disk *fs.PathError
	if t.layout != nil && errors.As(err, &disk) {
		return unwritable(t.spec.String(), err)
	}
	return explain(err, id, from)
}

// unwritable explains why nothing can be written to a folder or an archive.
func unwritable(destination string, err error) error {
	var (
		content *registry.Error
		archive *source.Error
	)
	var told *host.InputError
	switch {
	case err == nil || errors.As(err, &told):
		return err
	case errors.As(err, &content):
		return &host.InputError{Message: destination + " is there, and cannot be added to: " + content.Message, Help: content.Help, Err: content.Err}
	case errors.As(err, &archive):
		return &host.InputError{Message: destination + " is there, and cannot be added to: " + archive.Message, Help: "name another folder or file", Err: archive.Err}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the path may be one that the user does not know
	}
	return &host.InputError{Message: "cannot write " + destination, Help: "check the path, its permissions and the free space", Err: err}
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
