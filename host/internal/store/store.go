// SPDX-License-Identifier: Apache-2.0

// Package store finds plugins on disk, by their manifests alone: nothing is
// run. A plugin that cannot be used is found too, with the reason.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Root is a folder of plugins: it holds one folder for each, or is itself one.
type Root struct {
	// Dir is the folder. It need not exist.
	Dir string
	// Origin says where plugins of this root come from: "bundle",
	// "installed", "plugin-dir".
	Origin string
	// Explicit says that the user named the folder, so that it must exist.
	Explicit bool
}

// Plugin is a plugin on disk.
type Plugin struct {
	// ID is its id; the folder's name when the manifest cannot be read.
	ID string
	// Dir is its folder.
	Dir string
	// Origin is that of its root.
	Origin string
	// Manifest is what it says of itself. Nil when it cannot be read.
	Manifest *manifest.Manifest
	// Problem says why it cannot be used. Nil when it can.
	Problem error
}

// Main returns the path and digest of what is run on this machine.
func (p *Plugin) Main() (file, digest string, err error) {
	f, ok := p.Manifest.Main(platform())
	if !ok {
		return "", "", fmt.Errorf("it has no executable for %s", platform())
	}
	return filepath.Join(p.Dir, filepath.FromSlash(f.Path)), f.Digest, nil
}

// Set is the plugins of all roots.
type Set struct{ list []*Plugin }

// Find looks for plugins. Of several with the same id the one of the last root
// counts; the others are found with that as their problem.
func Find(roots []Root) (*Set, error) {
	s := &Set{}
	for _, root := range roots {
		found, err := scan(root)
		if err != nil {
			return nil, err
		}
		s.list = append(s.list, found...)
	}
	s.shadow()
	slices.SortStableFunc(s.list, func(a, b *Plugin) int { return cmp.Compare(a.ID, b.ID) })
	return s, nil
}

// scan finds the plugins of one root, sorted by folder.
func scan(root Root) ([]*Plugin, error) {
	if _, err := os.Lstat(filepath.Join(root.Dir, manifest.FileName)); err == nil {
		return []*Plugin{load(root.Dir, root.Origin)}, nil
	}
	entries, err := os.ReadDir(root.Dir)
	if errors.Is(err, fs.ErrNotExist) && !root.Explicit {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading plugin folder: %w", err)
	}
	var found []*Plugin
	for _, dir := range folders(root.Dir, entries) {
		vendored := vendored(dir)
		for _, dir := range vendored {
			found = append(found, load(dir, root.Origin))
		}
		if len(vendored) == 0 {
			found = append(found, load(dir, root.Origin))
		}
	}
	return found, nil
}

// vendored returns the plugins in the folder of a vendor: the folder of
// "vendor.example/name" is one level deeper. For a plugin's own folder there
// are none.
func vendored(dir string) []string {
	if _, err := os.Lstat(filepath.Join(dir, manifest.FileName)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(folders(dir, entries), func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, manifest.FileName))
		return err != nil
	})
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

// load reads one plugin.
func load(dir, origin string) *Plugin {
	p := &Plugin{ID: filepath.Base(dir), Dir: dir, Origin: origin}
	data, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		p.Problem = fmt.Errorf("its manifest cannot be read: %w", err)
		return p
	}
	m, err := manifest.Parse(data)
	if err != nil {
		p.Problem = fmt.Errorf("its manifest is not valid: %w", err)
		return p
	}
	if err := m.Validate(); err != nil {
		p.Problem = fmt.Errorf("its manifest is not valid: %w", err)
		return p
	}
	p.ID, p.Manifest = m.ID, m
	p.Problem = usable(p)
	return p
}

// usable says why a plugin with a good manifest cannot be used here, or nil.
func usable(p *Plugin) error {
	m := p.Manifest
	if err := m.Speaks(); err != nil {
		return err
	}
	file, _, err := p.Main()
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("its file is missing: %w", err)
	}
	return nil
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
			p.Problem = fmt.Errorf("%s (%s) is used instead", winner.Dir, winner.Origin)
		}
	}
}

// All returns every plugin, sorted by id.
func (s *Set) All() []*Plugin { return s.list }

// Get returns the plugin with an id, usable or not. When several have it, it
// is the one that counts.
func (s *Set) Get(id string) *Plugin {
	var found *Plugin
	for _, p := range s.list {
		if p.ID == id && (found == nil || found.Problem != nil) {
			found = p
		}
	}
	return found
}

// Backends returns the backends, sorted by id. Some may not be usable.
func (s *Set) Backends() []*Plugin {
	return slices.DeleteFunc(slices.Clone(s.list), func(p *Plugin) bool {
		return p.Manifest == nil || p.Manifest.Kind != manifest.Backend || s.Get(p.ID) != p
	})
}

// frontends returns the frontends that claim something, the preferred one
// first. Some may not be usable.
func (s *Set) frontends() []*Plugin {
	list := slices.DeleteFunc(slices.Clone(s.list), func(p *Plugin) bool {
		return p.Manifest == nil || p.Manifest.Kind != manifest.Frontend || p.Manifest.Claims == nil || s.Get(p.ID) != p
	})
	slices.SortStableFunc(list, func(a, b *Plugin) int {
		return cmp.Compare(b.Manifest.Claims.Priority, a.Manifest.Claims.Priority)
	})
	return list
}

// ForFile returns the frontend that claims a file name, or nil. An exact name
// wins over a pattern, then the priority. One that cannot be used is returned
// when no other claims the name: to read the file as something else would only
// hide the problem.
func (s *Set) ForFile(name string) *Plugin {
	return best(s.frontends(), func(p *Plugin) int { return int(p.Manifest.Claims.Match(name)) })
}

// ForSyntax returns the frontend that claims the name in a "# syntax=" line, or
// nil. One that cannot be used is returned when no other claims it.
func (s *Set) ForSyntax(name string) *Plugin {
	return best(s.frontends(), func(p *Plugin) int {
		if p.Manifest.Claims.HasSyntax(name) {
			return 1
		}
		return 0
	})
}

// best returns the first plugin with the most points, or nil when none has
// any. One that can be used wins over all that cannot.
func best(list []*Plugin, points func(*Plugin) int) *Plugin {
	var found *Plugin
	most := 0
	for _, p := range list {
		n := points(p)
		if n > 0 && p.Problem == nil {
			n += 1 << 16
		}
		if n > most {
			found, most = p, n
		}
	}
	return found
}

// Discovery returns the patterns by which a build file is found in a folder,
// in order; those of frontends that cannot be used too.
func (s *Set) Discovery() []string {
	var patterns []string
	for _, p := range s.frontends() {
		patterns = append(patterns, p.Manifest.Claims.Discover...)
	}
	return patterns
}

func platform() string { return runtime.GOOS + "/" + runtime.GOARCH }
