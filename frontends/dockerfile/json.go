// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "unicode/utf8"

// jsonForm says what a text is that an instruction may take as JSON.
type jsonForm int

const (
	// notJSON: not valid JSON, or not an array. Docker reads such text as the
	// shell form, or as plain words.
	notJSON jsonForm = iota
	// jsonArray: an array of strings.
	jsonArray
	// jsonOther: a valid array that holds something other than strings.
	jsonOther
)

// maxJSONDepth is how deeply values may be nested to be JSON.
const maxJSONDepth = 10000

// jsonStrings reads text[at.start:at.end] as a JSON array of strings (RFC
// 8259). The words are the strings, unescaped, written with their quotes.
func jsonStrings(text string, at span) ([]word, jsonForm) {
	if at.start == at.end || text[at.start] != '[' {
		return nil, notJSON
	}
	s := jsonScanner{text: text[:at.end], pos: at.start + 1}
	form := s.array()
	s.blanks()
	if s.bad || s.pos < at.end {
		return nil, notJSON
	}
	if form == jsonOther {
		return nil, jsonOther
	}
	return s.strings, jsonArray
}

// jsonScanner reads JSON. After bad is set its results mean nothing.
type jsonScanner struct {
	text    string
	pos     int
	bad     bool
	strings []word
}

func (s *jsonScanner) blanks() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// take moves over c when it comes next, after white space.
func (s *jsonScanner) take(c byte) bool {
	s.blanks()
	if s.pos < len(s.text) && s.text[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// array reads the elements of an array up to its "]".
func (s *jsonScanner) array() jsonForm {
	form := jsonArray
	if s.take(']') {
		return form
	}
	for !s.bad {
		if s.take('"') {
			s.strings = append(s.strings, s.str())
		} else {
			form = jsonOther
			s.value()
		}
		if s.take(']') {
			return form
		}
		s.bad = s.bad || !s.take(',')
	}
	return form
}

// value reads any one value. Open arrays and objects are kept on a stack of
// their own, so that a deeply nested text costs no call stack.
func (s *jsonScanner) value() {
	var open []byte
	for !s.bad {
		switch {
		case s.take('['):
			if !s.take(']') {
				open = append(open, ']')
				continue
			}
		case s.take('{'):
			if !s.take('}') {
				open = append(open, '}')
				s.key()
				continue
			}
		default:
			s.scalar()
		}
		if open = s.closeAll(open); len(open) == 0 {
			return
		}
		s.bad = s.bad || len(open) > maxJSONDepth
	}
}

// closeAll reads what may follow a value: closing brackets, then a comma
// unless nothing is left open.
func (s *jsonScanner) closeAll(open []byte) []byte {
	for len(open) > 0 && s.take(open[len(open)-1]) {
		open = open[:len(open)-1]
	}
	if len(open) == 0 {
		return open
	}
	s.bad = s.bad || !s.take(',')
	if open[len(open)-1] == '}' {
		s.key()
	}
	return open
}

// key reads the key of an object's member and its colon.
func (s *jsonScanner) key() word {
	if !s.take('"') {
		s.bad = true
		return word{}
	}
	key := s.str()
	s.bad = s.bad || !s.take(':')
	return key
}

// scalar reads a string, a number or a literal.
func (s *jsonScanner) scalar() {
	if s.take('"') {
		s.str()
		return
	}
	start := s.pos
	for s.pos < len(s.text) && (isLetter(s.text[s.pos]) || isDigit(s.text[s.pos]) || isSign(s.text[s.pos])) {
		s.pos++
	}
	switch t := s.text[start:s.pos]; t {
	case "true", "false", "null":
	default:
		s.bad = s.bad || !isJSONNumber(t)
	}
}

func isSign(c byte) bool { return c == '-' || c == '+' || c == '.' }

// isJSONNumber reports whether t is a number of JSON's grammar.
func isJSONNumber(t string) bool {
	i := 0
	digits := func() bool {
		start := i
		for i < len(t) && isDigit(t[i]) {
			i++
		}
		return i > start
	}
	if i < len(t) && t[i] == '-' {
		i++
	}
	zero := i < len(t) && t[i] == '0'
	if start := i; !digits() || zero && i > start+1 {
		return false
	}
	if i < len(t) && t[i] == '.' {
		if i++; !digits() {
			return false
		}
	}
	if i < len(t) && lowerByte(t[i]) == 'e' {
		if i++; i < len(t) && (t[i] == '+' || t[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(t)
}

// str reads a string whose opening quote is behind pos.
func (s *jsonScanner) str() word {
	open := s.pos - 1
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return word{text: s.text[open+1 : s.pos-1], span: span{open, s.pos}, base: open + 1}
		case c == '\\':
			return s.escaped(open)
		case c < ' ':
			s.bad = true
			return word{}
		}
		s.pos++
	}
	s.bad = true
	return word{}
}

// escaped reads the rest of a string from its first escape on.
func (s *jsonScanner) escaped(open int) word {
	var u unquoted
	for i := open + 1; i < s.pos; i++ {
		u.add(s.text, i)
	}
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		switch {
		case c == '"':
			s.pos++
			return u.word(open, s.pos)
		case c == '\\':
			at := s.pos
			s.pos++
			var b [utf8.UTFMax]byte
			for _, c := range utf8.AppendRune(b[:0], s.escape()) {
				u.text = append(u.text, c)
				u.offsets = append(u.offsets, at)
			}
			continue
		case c < ' ':
			s.bad = true
			return word{}
		default:
			u.add(s.text, s.pos)
		}
		s.pos++
	}
	s.bad = true
	return word{}
}

// jsonEscapes holds what the character after a backslash stands for, at the
// same place of the second half.
const jsonEscapes = `"\/bfnrt` + "\"\\/\b\f\n\r\t"

// escape reads an escape sequence after its backslash.
func (s *jsonScanner) escape() rune {
	if s.pos >= len(s.text) {
		s.bad = true
		return utf8.RuneError
	}
	c := s.text[s.pos]
	s.pos++
	if c == 'u' {
		return s.unicode()
	}
	for i := range len(jsonEscapes) / 2 {
		if jsonEscapes[i] == c {
			return rune(jsonEscapes[len(jsonEscapes)/2+i])
		}
	}
	s.bad = true
	return utf8.RuneError
}

// unicode reads the digits of \u, and the second half of a surrogate pair. A
// lone half becomes U+FFFD.
func (s *jsonScanner) unicode() rune {
	const high, low, end = 0xd800, 0xdc00, 0xe000
	r := s.hex()
	if r < high || r >= end {
		return r
	}
	if r < low && s.pos+1 < len(s.text) && s.text[s.pos] == '\\' && s.text[s.pos+1] == 'u' {
		before := s.pos
		s.pos += 2
		if r2 := s.hex(); low <= r2 && r2 < end {
			return (r-high)<<10 + (r2 - low) + 0x10000
		}
		s.pos = before
	}
	return utf8.RuneError
}

// hex reads four hexadecimal digits.
func (s *jsonScanner) hex() rune {
	var r rune
	for range 4 {
		c := byte(0)
		if s.pos < len(s.text) {
			c = lowerByte(s.text[s.pos])
		}
		switch {
		case isDigit(c):
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		default:
			s.bad = true
			return utf8.RuneError
		}
		s.pos++
	}
	return r
}
