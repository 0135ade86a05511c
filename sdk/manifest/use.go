// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// The protocols that this SDK, and a host built with it, speaks. Host and
// plugin may know different minors of a major; what one does not know it
// ignores or answers as unsupported.
const (
	FrontendMajor = 1
	FrontendMinor = 0
	BackendMajor  = 1
	BackendMinor  = 0
)

// VersionError says that a plugin speaks another protocol than the host.
type VersionError struct {
	// ID, Kind and Version are the plugin's.
	ID      string
	Kind    Kind
	Version string
	// Plugin is the major it speaks, Host the one this host speaks.
	Plugin, Host int
	// Install is the version of the plugin that this host can use, for who
	// knows what there is. Empty when nobody looked, or there is none.
	Install string
}

// Error says who speaks what.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s %s speaks %s protocol %d, this zlayer speaks %d", e.ID, e.Version, e.Kind, e.Plugin, e.Host)
}

// Help says what to do: one sentence.
func (e *VersionError) Help() string {
	newer := e.Plugin > e.Host
	switch {
	case newer && e.Install != "":
		return "install version " + e.Install + " of the plugin, or update zlayer"
	case newer:
		return "update zlayer, or install an older version of the plugin"
	case e.Install != "":
		return "install version " + e.Install + " of the plugin"
	}
	return "install a newer version of the plugin"
}

// Speaks returns a *VersionError when this host cannot talk to the plugin. It
// is decided before anything is run (SPEC M5).
func (m *Manifest) Speaks() error {
	host := m.Kind.protocol()
	if m.Protocol.Major == host.Major {
		return nil
	}
	return &VersionError{ID: m.ID, Kind: m.Kind, Version: m.Version, Plugin: m.Protocol.Major, Host: host.Major}
}

// Ahead says that the plugin knows a newer minor of the protocol than this
// host, or "". That is a note and no error: what the minor adds is not used
// (SPEC M17).
func (m *Manifest) Ahead() string {
	host := m.Kind.protocol()
	if m.Protocol.Major != host.Major || m.Protocol.Minor <= host.Minor {
		return ""
	}
	return fmt.Sprintf("it knows %s protocol %v and this zlayer %v: what is new in it is not used", m.Kind, m.Protocol, host)
}

// protocol is what this host speaks with plugins of a kind.
func (k Kind) protocol() Protocol {
	if k == Backend {
		return Protocol{Major: BackendMajor, Minor: BackendMinor}
	}
	return Protocol{Major: FrontendMajor, Minor: FrontendMinor}
}

// String is "major.minor".
func (p Protocol) String() string { return fmt.Sprintf("%d.%d", p.Major, p.Minor) }

// Main returns the file to run on a platform, "os/arch". ok is false when there
// is none for it.
func (m *Manifest) Main(platform string) (file File, ok bool) {
	for _, f := range m.Files {
		if f.Role == RoleMain && f.on(platform) {
			return f, true
		}
	}
	return File{}, false
}

// On returns the files that belong to a platform, in order.
func (m *Manifest) On(platform string) []File {
	return slices.DeleteFunc(slices.Clone(m.Files), func(f File) bool { return !f.on(platform) })
}

// on says whether the file belongs to the platform.
func (f File) on(platform string) bool { return f.Platform == "" || f.Platform == platform }

// Platforms returns the platforms that the plugin has a main file for, sorted.
// One that runs everywhere has none.
func (m *Manifest) Platforms() []string {
	var all []string
	for _, f := range m.Files {
		if f.Role == RoleMain && f.Platform != "" {
			all = append(all, f.Platform)
		}
	}
	slices.Sort(all)
	return all
}

// Match says how a claim fits a name; a greater one fits better.
type Match int

// The ways to fit.
const (
	NoMatch Match = iota
	PatternMatch
	ExactMatch
)

// Match says how the patterns of claims.files fit the base name of a build
// file. A nil Claims fits nothing.
func (c *Claims) Match(name string) Match {
	best := NoMatch
	if c == nil {
		return best
	}
	for _, pattern := range c.Files {
		if pattern == name {
			return ExactMatch
		}
		if ok, err := path.Match(pattern, name); err == nil && ok {
			best = PatternMatch
		}
	}
	return best
}

// HasSyntax says whether the name of a "# syntax=" line is claimed; its tag and
// digest do not matter. A nil Claims has none.
func (c *Claims) HasSyntax(name string) bool {
	return c != nil && slices.Contains(c.Syntaxes, untagged(name))
}

// untagged returns an image reference without tag and digest. A colon before
// the last slash belongs to a port.
func untagged(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if colon := strings.LastIndexByte(ref, ':'); colon > strings.LastIndexByte(ref, '/') {
		ref = ref[:colon]
	}
	return ref
}
