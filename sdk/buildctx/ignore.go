// SPDX-License-Identifier: Apache-2.0

package buildctx

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode"
)

// Rule is one line of an ignore file.
type Rule struct {
	// Pattern is the line without surrounding space.
	Pattern string
	// File is the name of the ignore file; empty when the rule came from
	// NewIgnore.
	File string
	// Line is the number of the line, or of the pattern in NewIgnore, from 1.
	Line int
	// Negated is true for "!pattern", which puts paths back.
	Negated bool

	clean   string
	matcher matcher
}

// String describes the rule for a message: `.dockerignore:3 ("*.md")`.
func (r Rule) String() string {
	if r.File == "" {
		return fmt.Sprintf("ignore rule %d (%q)", r.Line, r.Pattern)
	}
	return fmt.Sprintf("%s:%d (%q)", r.File, r.Line, r.Pattern)
}

// Ignore decides which paths a context hides. A nil Ignore hides none. It may
// be used by several goroutines at once.
type Ignore struct {
	rules []Rule
}

// ParseIgnore reads the text of an ignore file (.dockerignore). The name is for
// messages.
//
// The grammar is Docker's: one pattern a line; lines that begin with "#" and
// blank lines mean nothing; a byte order mark, carriage returns and space
// around a pattern are dropped; "!" puts paths back; "**" stands for any number
// of folders. A pattern that also matches a folder above a path hides the path.
func ParseIgnore(name string, text []byte) (*Ignore, error) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	g := &Ignore{}
	for line := 1; len(text) > 0; line++ {
		var raw []byte
		raw, text, _ = bytes.Cut(text, []byte("\n"))
		if bytes.HasPrefix(raw, []byte("#")) {
			continue
		}
		r := Rule{Pattern: strings.TrimSpace(string(raw)), File: name, Line: line}
		if err := g.add(r, cleanLine(string(raw))); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// NewIgnore makes an Ignore from the patterns of an ignore file, one string
// each, as Patterns returns them. Here "#" begins a pattern, not a comment.
func NewIgnore(patterns []string) (*Ignore, error) {
	g := &Ignore{}
	for i, p := range patterns {
		if err := g.add(Rule{Pattern: p, Line: i + 1}, p); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Patterns returns the rules in order, cleaned, in a form that NewIgnore and
// other readers of the .dockerignore grammar understand.
func (g *Ignore) Patterns() []string {
	if g == nil {
		return nil
	}
	out := make([]string, len(g.rules))
	for i, r := range g.rules {
		out[i] = r.text()
	}
	return out
}

// text is the pattern as a reader takes it, who drops the space around and then
// cleans it.
func (r Rule) text() string {
	text := r.clean
	switch {
	case r.Negated:
		text = "!" + text
	case strings.TrimLeftFunc(text, unicode.IsSpace) != text:
		text = "./" + text
	}
	if strings.TrimRightFunc(text, unicode.IsSpace) != text {
		text += "/"
	}
	return text
}

// cleanLine turns a line into a pattern, the way Docker reads the file.
func cleanLine(line string) string {
	line = strings.TrimSpace(line)
	rest, negated := strings.CutPrefix(line, "!")
	if rest = strings.TrimSpace(rest); rest != "" {
		rest = path.Clean(rest)
	}
	if len(rest) > 1 {
		rest = strings.TrimPrefix(rest, "/")
	}
	if negated {
		return "!" + rest
	}
	return rest
}

// add takes a pattern the way Docker's matcher does, which trims and cleans it
// once more: "/!a" is a negation.
func (g *Ignore) add(r Rule, pattern string) error {
	if pattern = strings.TrimSpace(pattern); pattern == "" {
		return nil
	}
	r.clean, r.Negated = strings.CutPrefix(path.Clean(pattern), "!")
	if r.clean == "" {
		return fmt.Errorf(`%v: "!" needs a pattern after it`, r)
	}
	m, err := compile(r.clean)
	if err != nil {
		return fmt.Errorf("%v: %w", r, err)
	}
	r.matcher = m
	g.rules = append(g.rules, r)
	return nil
}

// Excluded says whether the context hides a path, and which rule does. The path
// need not exist.
func (g *Ignore) Excluded(name string) (Rule, bool) {
	s := g.state(relative(name))
	if s.by == none {
		return Rule{}, false
	}
	return g.rules[s.by], true
}

// none is the decision of no rule.
const none = -1

// decide returns the index of the rule that hides a path, or none. above tells
// which rules match the folder that holds it; nil stands for the context's
// root. decide sets here, unless nil and else all false, to those that match
// the path. A rule that cannot change the decision is not tried and counts as
// not matching, also for what is below: that is what Docker does, and it shows
// (after "a/b" and "!a", a/b is hidden).
func (g *Ignore) decide(name string, above, here []bool) int {
	by := none
	for i := range g.rules {
		r := &g.rules[i]
		hit := above != nil && above[i]
		if !hit {
			if r.Negated != (by != none) {
				continue
			}
			hit = r.matcher.match(name)
		}
		if !hit {
			continue
		}
		if here != nil {
			here[i] = true
		}
		by = i
		if r.Negated {
			by = none
		}
	}
	return by
}

// state is what the rules say about a folder: which of them match it, and the
// one that hides it or none.
type state struct {
	matched []bool
	by      int
}

// state decides about a path from the top down.
func (g *Ignore) state(name string) state {
	s := state{by: none}
	if g == nil || name == "." {
		return s
	}
	for end := 0; end < len(name); end++ {
		if n := strings.IndexByte(name[end:], '/'); n >= 0 {
			end += n
		} else {
			end = len(name)
		}
		s = g.below(s, name[:end])
	}
	return s
}

// below decides about a path, given what was decided about its folder.
func (g *Ignore) below(above state, name string) state {
	here := state{matched: make([]bool, len(g.rules))}
	here.by = g.decide(name, above.matched, here.matched)
	return here
}

// closed reports whether nothing inside a folder hidden by a rule is put back.
// Only a later "!" rule could.
func (g *Ignore) closed(dir string, by int) bool {
	for i := by + 1; i < len(g.rules); i++ {
		if r := &g.rules[i]; r.Negated && r.matcher.inside(dir) {
			return false
		}
	}
	return true
}

// relative makes a path clean and relative to the context, and keeps it inside.
func relative(name string) string {
	name = path.Clean("/" + name)
	if name == "/" {
		return "."
	}
	return name[1:]
}
