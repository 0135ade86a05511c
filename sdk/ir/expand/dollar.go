// SPDX-License-Identifier: Apache-2.0

package expand

import "strings"

// dollar expands what starts with "$".
func (s *state) dollar() (string, error) {
	start := s.pos
	s.next()
	if s.peek() != '{' {
		name := s.name()
		if name == "" {
			return "$", nil
		}
		value, _ := s.lookup(name)
		return value, nil
	}
	s.next()
	if s.depth++; s.depth > maxDepth {
		return "", s.fail(start, "variables nest too deeply")
	}
	defer func() { s.depth-- }()
	return s.braces(start)
}

// braces expands the rest of "${".
func (s *state) braces(start int) (string, error) {
	switch s.peek() {
	case end:
		return "", s.fail(start, "missing '}' of a substitution")
	case '{', '}', ':':
		return "", s.fail(start, "bad substitution: a name is missing after \"${\"")
	}
	name := s.name()
	op, text := s.next()
	switch op {
	case '}':
		value, _ := s.lookup(name)
		return value, nil
	case '-', '+', '?':
		return s.conditional(start, name, op, false)
	case ':':
		op, rest := s.next()
		if op == '-' || op == '+' || op == '?' {
			return s.conditional(start, name, op, true)
		}
		text += rest
	case '#', '%':
		return s.trim(start, name, op)
	case '/':
		return s.replace(start, name)
	case end:
		return "", s.fail(start, "missing '}' of a substitution")
	}
	return "", s.fail(start, "unsupported modifier \""+text+"\" in a substitution")
}

// conditional expands ${name-word}, ${name+word} and ${name?word}; orEmpty is
// the ":" before the operator.
func (s *state) conditional(start int, name string, op rune, orEmpty bool) (string, error) {
	word, err := s.until(start, '}', false, false)
	if err != nil {
		return "", err
	}
	value, set := s.lookup(name)
	missing := !set || orEmpty && value == ""
	switch {
	case op == '+' && missing:
		return "", nil
	case op == '+', op == '-' && missing:
		return word, nil
	case op == '?' && missing:
		return "", s.required(start, name, word, set)
	}
	return value, nil
}

// required is the error of ${name?word}.
func (s *state) required(start int, name, word string, set bool) error {
	switch {
	case word != "":
	case set:
		word = "is not allowed to be empty"
	default:
		word = "is not allowed to be unset"
	}
	return s.fail(start, name+": "+word)
}

// trim expands ${name#pattern} and ${name%pattern}. Doubled, the operator means
// the longest match; it counts even where it came out of quotes.
func (s *state) trim(start int, name string, op rune) (string, error) {
	word, err := s.until(start, '}', true, true)
	if err != nil {
		return "", err
	}
	value, _ := s.lookup(name)
	word, longest := strings.CutPrefix(word, string(op))
	p, bad := parsePattern(word)
	if bad != "" {
		return "", s.fail(start, bad)
	}
	if op == '%' {
		return p.trimSuffix(value, longest), nil
	}
	return p.trimPrefix(value, longest), nil
}

// replace expands ${name/pattern/to} and ${name//pattern/to}.
func (s *state) replace(start int, name string) (string, error) {
	all := s.peek() == '/'
	if all {
		s.next()
	}
	word, err := s.until(start, '/', true, true)
	if err != nil {
		return "", err
	}
	to, err := s.until(start, '}', true, false)
	if err != nil {
		return "", err
	}
	value, _ := s.lookup(name)
	p, bad := parsePattern(word)
	if bad != "" {
		return "", s.fail(start, bad)
	}
	return p.replace(value, to, all), nil
}
