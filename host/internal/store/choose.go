// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"slices"

	"github.com/zlayer/zlayer/sdk/manifest"
)

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
