// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/wasmrun"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Apply makes the changes. Each happens whole or not at all; after an error
// those before it have happened. done, which may be nil, is told of each.
func (p *Plan) Apply(ctx context.Context, done func(*Change)) error {
	for _, c := range p.Changes {
		if err := p.manager.apply(ctx, c); err != nil {
			return c.explain(err)
		}
		if done != nil {
			done(c)
		}
	}
	return explain(p.manager.collect(ctx), "", "")
}

func (m *Manager) apply(ctx context.Context, c *Change) error {
	switch {
	case c.Action == Rollback:
		return m.shelf.Rollback(ctx, c.ID)
	case c.release == nil:
		return nil
	}
	staged, err := m.shelf.Stage(ctx, parcel(c.release))
	if err != nil {
		return err
	}
	if err := m.compile(ctx, c.release.Manifest, staged.Dir()); err != nil {
		staged.Discard()
		return err
	}
	return staged.Put(ctx, c.current)
}

// parcel is a release as the shelf wants it.
func parcel(r *source.Release) store.Parcel {
	p := store.Parcel{
		Manifest: r.Manifest, Raw: r.Raw, Digest: r.Digest, Open: r.Open,
		Record: store.Record{
			ID: r.Manifest.ID, Version: r.Manifest.Version, Source: r.Source, Resolved: r.Resolved, Development: r.Development,
			Subject: r.Subject, Statement: r.Statement, Added: time.Now().UTC().Truncate(time.Second),
		},
	}
	for _, b := range r.Bundles {
		if json.Valid(b) { // one that is not has not been verified either
			p.Record.Bundles = append(p.Record.Bundles, b)
		}
	}
	return p
}

// compile fills the compile cache, so that the first check is as fast as any.
// A module that cannot be compiled is not installed.
func (m *Manager) compile(ctx context.Context, plugin *manifest.Manifest, dir string) error {
	if plugin.Kind != manifest.Frontend {
		return nil
	}
	main, _ := plugin.Main(store.Platform())
	runner, err := m.runner()
	if err != nil {
		return err
	}
	defer runner.Close()
	return runner.Precompile(ctx, filepath.Join(dir, filepath.FromSlash(main.Path)), main.Digest)
}

// runner opens the compile cache, and makes it if it is missing.
func (m *Manager) runner() (*wasmrun.Runner, error) {
	r, err := wasmrun.Open(m.cache(), wasmrun.Limits{})
	if err != nil {
		return nil, &host.InputError{Message: "the compile cache cannot be used", Help: "check the permissions of the state folder", Err: err}
	}
	return r, nil
}

// cache is the folder of the compile cache.
func (m *Manager) cache() string { return filepath.Join(m.config.DataDir, "wasm") }

// collect removes old releases, and what was compiled of them.
func (m *Manager) collect(ctx context.Context) error {
	return m.dropping(func() error { return m.shelf.Collect(ctx) })
}

// dropping removes the compiled code of what a change takes off the shelf.
func (m *Manager) dropping(change func() error) error {
	before, err := m.shelf.Modules()
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	if _, err := os.Stat(m.cache()); err == nil {
		m.drop(before)
	}
	return nil
}

// drop removes the compiled code of those of some modules that no plugin has
// any more, and what nobody used for long. What cannot be removed now can be
// later.
func (m *Manager) drop(modules map[string]bool) {
	needed, err := m.modules()
	if err != nil {
		return
	}
	runner, err := m.runner()
	if err != nil {
		return
	}
	defer runner.Close()
	maps.DeleteFunc(modules, func(digest string, _ bool) bool { return needed[digest] })
	runner.Drop(slices.Collect(maps.Keys(modules))...)
	runner.Collect()
}

// modules returns the digests of the files of all plugins, wherever they are.
func (m *Manager) modules() (map[string]bool, error) {
	digests, err := m.shelf.Modules()
	if err != nil {
		return nil, err
	}
	set, err := m.find(false)
	if err != nil {
		return nil, err
	}
	for _, p := range set.All() {
		if p.Manifest == nil {
			continue
		}
		for _, f := range p.Manifest.Files {
			digests[f.Digest] = true
		}
	}
	return digests, nil
}
