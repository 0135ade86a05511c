// SPDX-License-Identifier: Apache-2.0

package expand

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// end is the character after the last.
const end = -1

// maxDepth bounds how deeply ${…} nest, so that no word exhausts the stack.
const maxDepth = 500

// state is the reading of one word.
type state struct {
	lex    Lex
	escape rune
	env    Env
	in     string
	pos    int
	depth  int
	// raw keeps escape characters: patterns and replacements are read a
	// second time.
	raw         bool
	words       *splitter
	used, unset []string
}

func newState(l Lex, text string, env Env) *state {
	s := &state{lex: l, escape: rune(l.Escape), env: env, in: text}
	if s.escape == 0 {
		s.escape = '\\'
	}
	return s
}

// peek returns the next character without reading it.
func (s *state) peek() rune {
	if s.pos >= len(s.in) {
		return end
	}
	r, _ := utf8.DecodeRuneInString(s.in[s.pos:])
	return r
}

// next reads one character and returns it with its bytes, which differ from
// the character when they are not UTF-8.
func (s *state) next() (rune, string) {
	if s.pos >= len(s.in) {
		return end, ""
	}
	r, n := utf8.DecodeRuneInString(s.in[s.pos:])
	s.pos += n
	return r, s.in[s.pos-n : s.pos]
}

func (s *state) fail(offset int, problem string) error {
	return &Error{Offset: offset, Problem: problem}
}

// lookup returns the value of a variable and records that it was asked for.
func (s *state) lookup(name string) (string, bool) {
	value, ok := s.env(name)
	list := &s.unset
	if ok {
		list = &s.used
	}
	if !slices.Contains(*list, name) {
		*list = append(*list, name)
	}
	return value, ok
}

// until expands up to an unquoted stop character, which it reads too. Escape
// characters stay when raw is set; in a pattern those inside quotes are
// doubled, so that what was quoted stays literal when the pattern is read. A
// missing stop character is an error at start.
func (s *state) until(start int, stop rune, raw, pattern bool) (string, error) {
	saved := s.raw
	s.raw = raw
	defer func() { s.raw = saved }()
	var out strings.Builder
	for {
		switch c := s.peek(); {
		case c == stop:
			s.next()
			return out.String(), nil
		case c == end:
			return "", s.fail(start, "missing "+quote(stop)+" of a substitution")
		default:
			text, split, err := s.piece(c, pattern)
			if err != nil {
				return "", err
			}
			out.WriteString(text)
			s.collect(text, split)
		}
	}
}

// collect passes text on to the splitter; what is inside ${…} gets there as a
// part of the result of the whole.
func (s *state) collect(text string, split bool) {
	switch {
	case s.depth > 0:
	case split:
		s.words.cooked(text)
	default:
		s.words.raw(text)
	}
}

// piece expands what starts at the character c. split says whether white space
// in the result separates words.
func (s *state) piece(c rune, pattern bool) (text string, split bool, err error) {
	switch {
	case c == '$':
		text, err = s.dollar()
		return text, true, err
	case c == '\'' && !s.lex.KeepQuotes:
		text, err = s.single(pattern)
		return text, false, err
	case c == '"' && !s.lex.KeepQuotes:
		text, err = s.double()
		return text, false, err
	case c == '<':
		return s.less(), false, nil
	case c == s.escape:
		return s.escaped(), false, nil
	}
	_, text = s.next()
	return text, true, nil
}

// escaped reads an escape character and the one after it. At the end of a word
// the escape character is nothing.
func (s *state) escaped() string {
	_, esc := s.next()
	c, text := s.next()
	if s.raw && c != end {
		return esc + text
	}
	return text
}

// less reads "<", or "<<" with the white space after it: the delimiter of a
// here-document belongs to its operator.
func (s *state) less() string {
	start := s.pos
	s.pos++
	if s.peek() == '<' {
		s.pos++
		for s.pos < len(s.in) && strings.IndexByte(" \t\r", s.in[s.pos]) >= 0 {
			s.pos++
		}
	}
	return s.in[start:s.pos]
}

// single reads '…': everything is literal.
func (s *state) single(pattern bool) (string, error) {
	start := s.pos
	s.next()
	var out strings.Builder
	for {
		c, text := s.next()
		switch c {
		case end:
			return "", s.fail(start, "missing closing '")
		case '\'':
			return out.String(), nil
		case s.escape:
			if pattern {
				out.WriteString(text)
			}
		}
		out.WriteString(text)
	}
}

// double reads "…": "$" is special, and the escape character before one of
// `"`, "$" and itself.
func (s *state) double() (string, error) {
	start := s.pos
	s.next()
	var out strings.Builder
	for {
		switch s.peek() {
		case end:
			return "", s.fail(start, `missing closing "`)
		case '"':
			s.next()
			return out.String(), nil
		case '$':
			// Quoted, so what it expands to is not split here.
			text, err := s.dollar()
			if err != nil {
				return "", err
			}
			out.WriteString(text)
		case s.escape:
			out.WriteString(s.doubleEscaped())
		default:
			_, text := s.next()
			out.WriteString(text)
		}
	}
}

// doubleEscaped reads an escape character inside double quotes.
func (s *state) doubleEscaped() string {
	_, esc := s.next()
	switch s.peek() {
	case end:
		return ""
	case '"', '$', s.escape:
		_, text := s.next()
		if s.raw {
			return esc + text
		}
		return text
	}
	if s.raw {
		return esc + esc
	}
	return esc
}

// name reads the name of a variable: digits, one special character, or letters,
// digits and "_".
func (s *state) name() string {
	start := s.pos
	c := s.peek()
	if strings.ContainsRune("@*#?-$!", c) {
		s.next()
		return s.in[start:s.pos]
	}
	part := unicode.IsDigit
	if !part(c) {
		part = isNamePart
	}
	for s.pos < len(s.in) && part(s.peek()) {
		s.next()
	}
	return s.in[start:s.pos]
}

func isNamePart(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '_'
}

// quote names a character in a message.
func quote(c rune) string { return "'" + string(c) + "'" }
