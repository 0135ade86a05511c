// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"errors"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
)

// matcher is a compiled pattern without "!".
//
// Docker turns a pattern into a regular expression, which gives brackets,
// backslashes, carets, bars and braces effects that no document promises. Such
// patterns are left to Docker's own package; the others, nearly all, are
// matched here, several times faster and by any number of goroutines.
type matcher interface {
	// match reports whether the pattern matches exactly this path.
	match(name string) bool
	// inside reports whether it may match a path below dir. It is never
	// wrongly false.
	inside(dir string) bool
}

var errPattern = errors.New("the pattern is malformed: a [ without ], a range out of order, or a backslash at the end")

var errNUL = errors.New("the pattern holds a NUL byte; save the file as UTF-8")

func compile(pattern string) (matcher, error) {
	if strings.Contains(pattern, "\x00") {
		return nil, errNUL
	}
	if _, err := path.Match(pattern, "."); err != nil {
		return nil, errPattern
	}
	const special = "*?"
	switch {
	case strings.ContainsAny(pattern, `[]\`):
		return compileOdd(pattern)
	case !strings.ContainsAny(pattern, special):
		return exact(pattern), nil
	case strings.HasPrefix(pattern, "**") && !strings.ContainsAny(pattern[2:], special):
		return suffix(pattern[2:]), nil
	case strings.HasSuffix(pattern, "**") && !strings.ContainsAny(pattern[:len(pattern)-2], special):
		return prefix(pattern[:len(pattern)-2]), nil
	case strings.ContainsAny(pattern, `^|{`):
		return compileOdd(pattern)
	}
	if g := parseGlob(pattern); len(g) <= maxOps {
		return g, nil
	}
	return compileOdd(pattern)
}

// exact is a pattern without special characters.
type exact string

func (m exact) match(name string) bool { return name == string(m) }
func (m exact) inside(dir string) bool { return below(string(m), dir) }

// below reports whether name is inside dir.
func below(name, dir string) bool {
	return len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}

// prefix is what stands before a final "**".
type prefix string

func (m prefix) match(name string) bool { return strings.HasPrefix(name, string(m)) }
func (m prefix) inside(dir string) bool { return overlap(string(m), dir) }

// overlap reports whether a path below dir can begin with start.
func overlap(start, dir string) bool {
	dir += "/"
	return strings.HasPrefix(start, dir) || strings.HasPrefix(dir, start)
}

// suffix is what stands after an initial "**".
type suffix string

func (m suffix) match(name string) bool {
	return strings.HasSuffix(name, string(m)) || strings.HasPrefix(string(m), "/") && name == string(m[1:])
}
func (m suffix) inside(string) bool { return true }

// odd is a pattern that Docker's package matches.
type odd struct {
	// start is the literal text that everything it matches begins with.
	start string
	// others hides all but what the pattern matches. As what is put back, the
	// pattern is taken as it is; alone it would be cleaned once more.
	others *patternmatcher.PatternMatcher
	// fresh says that the pattern matched no folder above.
	fresh patternmatcher.MatchInfo
}

func compileOdd(pattern string) (matcher, error) {
	m := odd{}
	if i := strings.IndexAny(pattern, `*?[]\^`); i >= 0 && !strings.ContainsAny(pattern, `|{`) {
		m.start = pattern[:i]
	}
	pattern = string([]rune(pattern)) // or the package writes about invalid UTF-8 to stderr
	var err error
	if m.others, err = patternmatcher.New([]string{"**", Rule{clean: pattern, Negated: true}.text()}); err != nil {
		return nil, errPattern
	}
	// The first call compiles; later ones only read.
	if _, err = m.others.MatchesOrParentMatches("x"); err != nil {
		return nil, errPattern
	}
	// Patterns that put back what nothing hid report no match.
	none, err := patternmatcher.New([]string{"!x", "!x"})
	if err == nil {
		_, m.fresh, err = none.MatchesUsingParentResults("x", patternmatcher.MatchInfo{})
	}
	return m, err
}

func (m odd) match(name string) bool {
	hidden, _, err := m.others.MatchesUsingParentResults(name, m.fresh)
	return !hidden && err == nil
}

func (m odd) inside(dir string) bool { return overlap(m.start, dir) }
