// SPDX-License-Identifier: Apache-2.0

// Package store is the plugins on disk. Find finds them, by their manifests
// alone: nothing is run, and one that cannot be used is found too, with the
// reason. A Shelf holds the installed ones.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Places says where plugins are. Of several with the same id one of Dirs
// counts more than one of the shelf, and that one more than one of the bundle.
type Places struct {
	// Bundle is the folder of plugins that came with zlayer. Empty: none.
	Bundle string
	// Shelf holds the installed ones.
	Shelf *Shelf
	// Dirs are folders that the user named; each is a plugin or holds some.
	Dirs []string
	// Pins are what the project's lock file says.
	Pins Pins
	// Admit says why the user's policy refuses an installed plugin, or nil. It
	// may itself be nil.
	Admit func(*Plugin) error
}

// Set is the plugins of all places.
type Set struct {
	list   []*Plugin
	drifts []*DriftError
}

// Find looks for plugins. Those that do not count are found with that as their
// problem.
func Find(p Places) (*Set, error) {
	bundle, err := scan(p.Bundle, Bundle)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	installed, err := p.Shelf.find(p.Pins)
	if err != nil {
		return nil, err
	}
	s := &Set{list: append(bundle, installed...)}
	for _, dir := range p.Dirs {
		found, err := scan(dir, PluginDir)
		if err != nil {
			return nil, err
		}
		s.list = append(s.list, found...)
	}
	s.admit(p.Admit)
	s.shadow()
	s.compare(p.Pins)
	slices.SortStableFunc(s.list, func(a, b *Plugin) int { return cmp.Compare(a.ID, b.ID) })
	return s, nil
}

// scan finds the plugins of a folder, sorted by folder.
func scan(root string, origin Origin) ([]*Plugin, error) {
	if root == "" {
		return nil, nil
	}
	if isPlugin(root) {
		return []*Plugin{load(root, origin)}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("reading plugin folder: %w", err)
	}
	var found []*Plugin
	for _, dir := range folders(root, entries) {
		vendored := vendored(dir)
		for _, dir := range vendored {
			found = append(found, load(dir, origin))
		}
		if len(vendored) == 0 {
			found = append(found, load(dir, origin))
		}
	}
	return found, nil
}

// isPlugin says whether a folder has a manifest.
func isPlugin(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, manifest.FileName))
	return err == nil
}

// vendored returns the plugins in the folder of a vendor: the folder of
// "vendor.example/name" is one level deeper. For a plugin's own folder there
// are none.
func vendored(dir string) []string {
	if isPlugin(dir) {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(folders(dir, entries), func(dir string) bool { return !isPlugin(dir) })
}

// folders returns the folders among entries. What begins with a dot is not
// ours, or not there yet.
func folders(dir string, entries []fs.DirEntry) []string {
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() && e.Name()[0] != '.' {
			found = append(found, path)
		}
	}
	return found
}

// admit asks the policy about what is installed.
func (s *Set) admit(admit func(*Plugin) error) {
	for _, p := range s.list {
		if admit != nil && p.Problem == nil && p.Origin == Installed {
			p.Problem = admit(p)
		}
	}
}

// shadow marks all but the last plugin of each id.
func (s *Set) shadow() {
	last := map[string]*Plugin{}
	for _, p := range s.list {
		if p.Manifest != nil {
			last[p.ID] = p
		}
	}
	for _, p := range s.list {
		if winner := last[p.ID]; p.Manifest != nil && winner != p && p.Problem == nil {
			p.Problem = &ShadowedError{By: winner.Dir, Origin: winner.Origin}
		}
	}
}
