// SPDX-License-Identifier: Apache-2.0

// Package plugins installs plugins: it adds, updates, checks, locks, removes,
// publishes and mirrors them. Nothing of a plugin is run for that; what it may
// touch is known before it is installed.
//
// What changes the installed plugins comes in two steps: a Plan says what would
// change, and Apply does it. Both may be used by several processes at once.
package plugins

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/grant"
	"github.com/zlayer/zlayer/host/internal/inventory"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
)

// Manager works with the plugins of one state folder.
type Manager struct {
	config host.Config
	shelf  *store.Shelf
	client *registry.Client
	policy trust.Policy
}

// Open returns a Manager. It writes nothing; the first plan makes the state
// folder. The error is a *host.InputError when the settings are no good.
func Open(c host.Config) (*Manager, error) {
	if c.DataDir == "" {
		return nil, &host.InputError{Message: "the state folder is not set", Help: "set ZLAYER_DATA_DIR or --data-dir"}
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return nil, &host.InputError{Message: "the state folder cannot be found", Err: err}
	}
	c.DataDir = dir
	policy, err := trust.ParsePolicy(cmp.Or(c.Signatures.Policy, string(trust.Off)))
	if err != nil {
		return nil, trustError(err)
	}
	return &Manager{
		config: c, policy: policy, shelf: inventory.Shelf(dir),
		client: registry.New(registry.Options{Insecure: c.InsecureRegistries}),
	}, nil
}

// find finds the plugins there are, with the lock file's pins or without.
func (m *Manager) find(pinned bool) (*store.Set, error) {
	c := inventory.Config{
		DataDir: m.config.DataDir, BundleDir: m.config.BundleDir, PluginDirs: m.config.PluginDirs,
		Policy: m.policy, Trust: m.trust(),
	}
	if pinned {
		c.LockFile, c.Locked = m.config.LockFile, m.config.Locked
	}
	set, err := inventory.Find(c)
	var path *fs.PathError
	if errors.As(err, &path) && slices.ContainsFunc(m.config.PluginDirs, func(dir string) bool { return path.Path == dir }) {
		return nil, &host.InputError{Message: "a folder of plugins cannot be read", Help: "check --plugin-dir and ZLAYER_PLUGIN_DIR", Err: path}
	}
	return set, explain(err, "", "")
}

// trust is who is trusted, as the settings say.
func (m *Manager) trust() trust.Config {
	s := m.config.Signatures
	return trust.Config{Keys: s.Keys, Identities: s.Identities, Root: s.Root}
}

// Plan is what a command would change. Close it.
type Plan struct {
	// Changes are the changes, in the order in which they were asked for. One
	// that changes nothing is there too.
	Changes []*Change
	// Failed says of which plugins nothing is known, since their source failed.
	// Only an update of all plugins goes on without them.
	Failed error

	manager *Manager
	scratch *store.Scratch
	fetcher *source.Fetcher
}

// Action says what a Change does.
type Action string

// The actions.
const (
	// Add installs a plugin that was not installed.
	Add Action = "add"
	// Update puts another version in place of the installed one.
	Update Action = "update"
	// Rollback goes back to the version before.
	Rollback Action = "rollback"
	// Nothing is to be done.
	Nothing Action = "nothing"
)

// Version names a version of a plugin.
type Version struct {
	// Version is its semantic version.
	Version string `json:"version"`
	// Digest is that of its manifest; it pins every file.
	Digest string `json:"digest"`
}

// Change is what would happen to one plugin.
type Change struct {
	// ID, Kind, Protocol and Summary are the plugin's.
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Protocol string `json:"protocol"`
	Summary  string `json:"summary,omitempty"`
	// Action is what happens.
	Action Action `json:"action"`
	// Before is the installed version; nil when there is none.
	Before *Version `json:"before,omitempty"`
	// After is the one that will be used.
	After Version `json:"after"`
	// Source is what the user named, Resolved where exactly that is.
	Source   string `json:"source"`
	Resolved string `json:"resolved"`
	// Development says that it is a plain folder on this machine.
	Development bool `json:"development,omitempty"`
	// Signature says who signed it, or why that is not known.
	Signature string `json:"signature"`
	// Grants are what it may touch.
	Grants []grant.Grant `json:"grants"`
	// Differences are those to the installed version.
	Differences []grant.Difference `json:"differences,omitempty"`
	// Asks says that it may touch more than the user has accepted before.
	Asks bool `json:"asks"`
	// Notes are what the user should know.
	Notes []string `json:"notes,omitempty"`

	release *source.Release // nil for a rollback, and where nothing changes
	current bool            // whether it becomes the one that counts everywhere
}

// newPlan returns an empty plan.
func (m *Manager) newPlan(ctx context.Context) (*Plan, error) {
	scratch, err := m.shelf.Scratch(ctx)
	if err != nil {
		return nil, explain(err, "", "")
	}
	return &Plan{manager: m, scratch: scratch, fetcher: source.New(m.client, scratch.Dir())}, nil
}

// Close removes what was fetched and not installed.
func (p *Plan) Close() {
	p.fetcher.Close()
	p.scratch.Discard()
}

// open opens a source by what the user wrote.
func (p *Plan) open(ctx context.Context, text string) (source.Source, error) {
	spec, err := source.Parse(text)
	if err != nil {
		return nil, explain(err, "", text)
	}
	opened, err := p.fetcher.Open(ctx, spec)
	return opened, explain(err, "", text)
}
