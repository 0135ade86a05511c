// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Source is a source of COPY or ADD: a path, or a pattern of paths. With it a
// backend finds the sources in trees that are no Context, as those of images,
// by the same rules.
type Source struct {
	// Base is the path in front of the first wildcard, to be resolved: links in
	// it are followed. Without wildcards it is the whole source, literally.
	Base string

	match func(name string) (hit, inside bool)
}

// ParseSource understands a source by the rules of Go's path.Match: "*" and "?"
// stop at "/", and there is no "**". The error is for a malformed pattern.
func ParseSource(source string) (*Source, error) {
	base, pattern := splitWildcards(relative(source))
	if pattern == "" {
		return &Source{Base: base}, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("source %q: %w", source, errPattern)
	}
	return &Source{base, walkPattern(pattern)}, nil
}

// ParseDeepSource is ParseSource for COPY --parents, where "**" stands for any
// number of folders and patterns are those of an ignore file. The Base of a
// pattern is ".".
func ParseDeepSource(source string) (*Source, error) {
	name := relative(source)
	if !strings.ContainsAny(name, wildcards) {
		return ParseSource(source)
	}
	m, err := compile(name)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", source, err)
	}
	return &Source{".", func(name string) (bool, bool) { return m.match(name), m.inside(name) }}, nil
}

// IsPattern says whether the source has wildcards. Without them it names its
// Base alone.
func (s *Source) IsPattern() bool { return s.match != nil }

// Match says whether a path is one that the pattern names, and whether the
// pattern may name paths inside it; the latter is never wrongly false. The path
// is relative to what Base resolves to. What is inside a path that matches
// belongs to that path and is not to be matched.
func (s *Source) Match(name string) (hit, inside bool) {
	if s.match == nil {
		return name == ".", false
	}
	return s.match(name)
}

// Glob returns the paths that a source of COPY or ADD names (see ParseSource),
// in the order of Walk. A source without wildcards names one path, literally.
// What is inside a folder that matches is not listed. No match is not an error:
// the result is empty.
func (c *Context) Glob(source string) ([]string, error) {
	s, err := ParseSource(source)
	if err != nil {
		return nil, err
	}
	return c.glob(s)
}

// GlobDeep is Glob for COPY --parents (see ParseDeepSource).
func (c *Context) GlobDeep(source string) ([]string, error) {
	s, err := ParseDeepSource(source)
	if err != nil {
		return nil, err
	}
	return c.glob(s)
}

func (c *Context) glob(s *Source) ([]string, error) {
	at, err := c.Resolve(s.Base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if !s.IsPattern() {
		return []string{s.Base}, nil
	}
	return c.match(at, s.Match)
}

// match lists what is below a folder and matches. The function is given paths
// relative to that folder.
func (c *Context) match(base string, fn func(name string) (hit, inside bool)) ([]string, error) {
	if info, err := c.root.Lstat(local(base)); err != nil || !info.IsDir() {
		return nil, err
	}
	var found []string
	err := c.Walk(base, func(e Entry) error {
		name := e.Path
		if base != "." {
			name = name[len(base)+1:]
		}
		hit, inside := fn(name)
		if hit {
			found = append(found, e.Path)
		}
		if e.Info.IsDir() && (hit || !inside) {
			return fs.SkipDir
		}
		return nil
	})
	return found, err
}

// wildcards are the characters that make a pattern of a path.
const wildcards = `*?[`

// splitWildcards cuts a path before the first part with a wildcard that no
// backslash takes the meaning from.
func splitWildcards(source string) (base, pattern string) {
	slash := 0
	for i := 0; i < len(source); i++ {
		switch source[i] {
		case '/':
			slash = i + 1
		case '\\':
			i++
		case '*', '?', '[':
			return relative(source[:slash]), source[slash:]
		}
	}
	return source, ""
}

// walkPattern matches paths with path.Match. It looks only into folders that
// the beginning of the pattern matches; a pattern whose brackets or backslashes
// may match a "/" is tried everywhere.
func walkPattern(pattern string) func(string) (bool, bool) {
	parts := strings.Split(pattern, "/")
	anywhere := strings.ContainsAny(pattern, `[\`)
	return func(name string) (bool, bool) {
		hit, _ := path.Match(pattern, name)
		depth := strings.Count(name, "/") + 1
		if hit || anywhere || depth >= len(parts) {
			return hit, anywhere
		}
		inside, _ := path.Match(strings.Join(parts[:depth], "/"), name)
		return false, inside
	}
}
