// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// InvalidError lists everything that is wrong with a manifest.
type InvalidError struct {
	// Problems are one sentence each, in the order of the manifest's keys.
	Problems []string
}

// Error joins the problems.
func (e *InvalidError) Error() string { return strings.Join(e.Problems, "; ") }

var (
	platformSyntax = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
	targetSyntax   = regexp.MustCompile(`^([a-z0-9]+|\*)/([a-z0-9]+|\*)(/[a-z0-9]+)?$|^\*$`)
	variableSyntax = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\*?$`)
	featureSyntax  = regexp.MustCompile(`^([a-z0-9.-]+/)?[a-z0-9]+([.-][a-z0-9]+)*$`)
)

// Validate returns an *InvalidError that lists every problem, or nil (SPEC,
// "The manifest"). It looks at the manifest alone, at no file.
func (m *Manifest) Validate() error {
	var p problems
	p.check(m.Schema == Schema, "schema is %d and must be %d", m.Schema, Schema)
	p.check(idSyntax.MatchString(m.ID) && len(m.ID) <= maxID,
		"id %q is not made of lower-case letters, digits, \"-\" and \".\", at most %d", m.ID, maxID)
	if vendor, _, ok := strings.Cut(m.ID, "/"); ok {
		p.check(strings.Contains(vendor, "."), "id %q must begin with a domain: \"vendor.example/name\"", m.ID)
	}
	p.check(m.Kind == Frontend || m.Kind == Backend, "kind is %q and must be \"frontend\" or \"backend\"", m.Kind)
	p.check(ValidVersion(m.Version), "version %q is no semantic version like \"1.0.0\"", m.Version)
	p.check(!strings.ContainsAny(m.Summary, "\r\n\x1b"), "summary is not one line of plain text")
	p.check(m.Protocol.Major > 0, "protocol.major is %d and must be at least 1", m.Protocol.Major)
	p.check(m.Protocol.Minor >= 0, "protocol.minor is %d and must not be negative", m.Protocol.Minor)
	p.files(m)
	switch m.Kind {
	case Frontend:
		p.frontend(m)
	case Backend:
		p.backend(m)
	}
	if len(p) > 0 {
		return &InvalidError{Problems: p}
	}
	return nil
}

// problems collects what is wrong.
type problems []string

func (p *problems) check(ok bool, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func (p *problems) files(m *Manifest) {
	seen := map[[2]string]bool{}
	mains := map[string]int{}
	for i, f := range m.Files {
		at := fmt.Sprintf("files[%d]", i)
		p.check(ValidPath(f.Path), "%s.path %q is not a clean relative path inside the plugin's folder", at, f.Path)
		p.check(f.Path != FileName, "%s.path is the manifest itself", at)
		p.check(ValidDigest(f.Digest), "%s.digest %q is not \"sha256:\" and 64 lower-case hex digits", at, f.Digest)
		p.check(f.Platform == "" || platformSyntax.MatchString(f.Platform), "%s.platform %q is not \"os/arch\"", at, f.Platform)
		p.check(f.Role == "" || f.Role == RoleMain, "%s.role is %q and must be \"main\" or absent", at, f.Role)
		key := [2]string{f.Path, f.Platform}
		p.check(!seen[key], "%s names %q a second time", at, f.Path)
		seen[key] = true
		if f.Role == RoleMain {
			mains[f.Platform]++
		}
	}
	p.check(len(mains) > 0, "no file has the role \"main\"")
	for _, f := range m.Files {
		n := mains[f.Platform]
		p.check(n < 2, "%d files have the role \"main\" on %q", n, f.Platform)
		delete(mains, f.Platform)
		if f.Platform != "" {
			p.check(n == 0 || mains[""] == 0, "two files have the role \"main\" on %q: one for it, one for every platform", f.Platform)
		}
	}
}

func (p *problems) frontend(m *Manifest) {
	for _, f := range m.Files {
		p.check(f.Platform == "", "%q is for %q, and a frontend's files are for every platform", f.Path, f.Platform)
	}
	p.check(m.Capabilities == nil, "a frontend has no capabilities")
	p.check(m.Permissions == nil, "a frontend has no permissions")
	p.check(len(m.Environment) == 0, "a frontend has no environment")
	if m.Claims == nil {
		p.check(false, "a frontend must have claims")
		return
	}
	p.check(len(m.Claims.Files)+len(m.Claims.Syntaxes) > 0, "claims name neither files nor syntaxes")
	p.patterns("claims.files", m.Claims.Files)
	p.patterns("claims.discover", m.Claims.Discover)
	for i, s := range m.Claims.Syntaxes {
		p.check(s != "" && !strings.ContainsAny(s, " \t@") && !strings.Contains(path.Base(s), ":"),
			"claims.syntaxes[%d] %q is not a name without tag and digest", i, s)
	}
}

// patterns checks patterns of base names.
func (p *problems) patterns(key string, patterns []string) {
	for i, pattern := range patterns {
		_, err := path.Match(pattern, "x")
		p.check(err == nil && pattern != "" && !strings.ContainsAny(pattern, "/\x00"),
			"%s[%d] %q is no pattern of a base name", key, i, pattern)
	}
}

func (p *problems) backend(m *Manifest) {
	p.check(m.Claims == nil, "a backend has no claims")
	if m.Capabilities == nil {
		p.check(false, "a backend must have capabilities")
	} else {
		for i, f := range m.Capabilities.Features {
			p.check(featureSyntax.MatchString(f), "capabilities.features[%d] %q is no feature id", i, f)
		}
		for i, t := range m.Capabilities.Platforms {
			p.check(targetSyntax.MatchString(t), "capabilities.platforms[%d] %q is not \"os/arch\"", i, t)
		}
	}
	for i, v := range m.Environment {
		p.check(variableSyntax.MatchString(v), "environment[%d] %q is neither a name nor PREFIX*", i, v)
		p.check(!reserved(v), "environment[%d] %q belongs to the host", i, v)
	}
	if m.Permissions != nil {
		p.paths(m)
	}
}

// paths checks what a backend touches beyond what every backend has. Where a
// variable says it, the backend must have the variable too.
func (p *problems) paths(m *Manifest) {
	for i, text := range m.Permissions.Paths {
		a, err := ParseAccess(text)
		if err != nil {
			p.check(false, "permissions.paths[%d] %q %v", i, text, err)
			continue
		}
		p.check(a.Variable == "" || Passes(m.Environment, a.Variable), "permissions.paths[%d] %q has a variable that environment does not list", i, text)
	}
}

// Passes says whether the environment of a manifest has a variable, by its name
// or by a prefix.
func Passes(environment []string, variable string) bool {
	return slices.ContainsFunc(environment, func(entry string) bool {
		prefix, many := strings.CutSuffix(entry, "*")
		return entry == variable || many && strings.HasPrefix(variable, prefix)
	})
}

// reserved says whether the host alone sets such variables for a plugin.
func reserved(variable string) bool {
	return strings.HasPrefix(variable, "PLUGIN_") || strings.HasPrefix(variable, "ZLAYER_")
}
