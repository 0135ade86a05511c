// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A pattern is a list of parts, each one character of the source: "*" and "?"
// match any text and any character, within one line; the others themselves.
type pattern []part

type part struct {
	kind byte   // '*', '?', or 0 for a literal
	text string // of a literal: the bytes of one character
}

// parsePattern reads a pattern. A backslash makes "*", "?" and "\" literal,
// whatever the escape character of the word; before "}" and "/" it only kept
// them from ending the pattern. bad says what is wrong, "" for nothing.
func parsePattern(s string) (p pattern, bad string) {
	chars := characters(s)
	for i := 0; i < len(chars); i++ {
		c := chars[i]
		if c == "*" || c == "?" {
			p = append(p, part{kind: c[0]})
			continue
		}
		if c == `\` {
			if i++; i == len(chars) {
				return nil, `a pattern ends with "\"`
			}
			c = chars[i]
			if strings.Trim(c, `*?\}/`) != "" {
				return nil, `a pattern has the unknown escape "\` + c + `"`
			}
		}
		p = append(p, part{text: c})
	}
	return p, ""
}

// characters splits s into characters. Bytes that are not UTF-8 count as one
// each and are kept.
func characters(s string) []string {
	out := make([]string, 0, len(s))
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		out = append(out, s[:n])
		s = s[n:]
	}
	return out
}

// match returns the length of the shortest or longest prefix of chars that
// matches, and -1 when none does. It follows all ways to match at once, so that
// its time is bounded by the product of both lengths.
func (p pattern) match(chars []string, longest bool) int {
	at := make([]bool, len(p)+1)
	next := make([]bool, len(p)+1)
	at[0] = true
	best := -1
	for i := 0; ; i++ {
		p.skipStars(at)
		if at[len(p)] {
			best = i
			if !longest {
				return best
			}
		}
		if i == len(chars) || !p.step(at, next, chars[i]) {
			return best
		}
		at, next = next, at
	}
}

// skipStars marks what is reached by matching "*" with nothing.
func (p pattern) skipStars(at []bool) {
	for i, x := range p {
		if at[i] && x.kind == '*' {
			at[i+1] = true
		}
	}
}

// step computes where one character leads. It returns false for nowhere.
func (p pattern) step(at, next []bool, c string) bool {
	clear(next)
	alive := false
	for i, x := range p {
		if !at[i] {
			continue
		}
		switch {
		case x.kind == '*' && c != "\n":
			next[i], alive = true, true
		case x.kind == '?' && c != "\n", x.kind == 0 && x.text == c:
			next[i+1], alive = true, true
		}
	}
	return alive
}

func (p pattern) trimPrefix(value string, longest bool) string {
	chars := characters(value)
	if n := p.match(chars, longest); n > 0 {
		chars = chars[n:]
	}
	return strings.Join(chars, "")
}

func (p pattern) trimSuffix(value string, longest bool) string {
	chars := characters(value)
	slices.Reverse(chars)
	slices.Reverse(p)
	if n := p.match(chars, longest); n > 0 {
		chars = chars[n:]
	}
	slices.Reverse(chars)
	return strings.Join(chars, "")
}

// replace replaces the first or every match, each as far left and as long as
// possible. An empty match right after another one does not count.
func (p pattern) replace(value, to string, all bool) string {
	chars := characters(value)
	var out strings.Builder
	last := -1 // end of the last match
	for i := 0; i <= len(chars); {
		n := p.match(chars[i:], true)
		if n > 0 || n == 0 && i != last {
			out.WriteString(to)
			i += n
			last = i
			if !all {
				break
			}
			if n > 0 {
				continue
			}
		}
		if i < len(chars) {
			out.WriteString(chars[i])
		}
		i++
	}
	if !all && last >= 0 {
		out.WriteString(strings.Join(chars[last:], ""))
	}
	return out.String()
}
