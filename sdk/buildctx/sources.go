// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Glob returns the paths that a source of COPY or ADD names, in the order of
// Walk. A source without wildcards names one path, literally. With wildcards
// the rules are Go's path.Match: "*" and "?" stop at "/", and there is no "**".
// What is inside a folder that matches is not listed. Links above the first
// wildcard are followed. No match is not an error: the result is empty.
func (c *Context) Glob(source string) ([]string, error) {
	base, pattern := splitWildcards(relative(source))
	at, err := c.Resolve(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if pattern == "" {
		return []string{base}, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("source %q: %w", source, errPattern)
	}
	return c.match(at, walkPattern(pattern))
}

// GlobDeep is Glob for COPY --parents, where "**" stands for any number of
// folders and patterns are those of an ignore file.
func (c *Context) GlobDeep(source string) ([]string, error) {
	source = relative(source)
	if !strings.ContainsAny(source, wildcards) {
		return c.Glob(source)
	}
	m, err := compile(source)
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", source, err)
	}
	return c.match(".", func(name string) (bool, bool) { return m.match(name), m.inside(name) })
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
