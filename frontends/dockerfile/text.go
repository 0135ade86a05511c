// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"unicode/utf8"
)

// Dockerfile knows two kinds of white space: the ASCII blanks that part an
// instruction from its arguments and plain arguments from each other, and
// Unicode's, which is trimmed from lines and parts quoted words. The functions
// here are written out because package unicode brings its tables into the
// module.

// isBlank reports whether c parts an instruction from its arguments.
func isBlank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'
}

// isSpace reports whether r is white space in Unicode.
func isSpace(r rune) bool {
	switch {
	case r <= ' ':
		return r == ' ' || '\t' <= r && r <= '\r'
	case r < 0x1680:
		return r == 0x85 || r == 0xa0
	case 0x2000 <= r && r <= 0x200a:
		return true
	}
	return r == 0x1680 || r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000
}

// spaceAt returns the size of the white space character at i, or 0.
func spaceAt(s string, i int) int {
	if c := s[i]; c < utf8.RuneSelf {
		if isSpace(rune(c)) {
			return 1
		}
		return 0
	}
	if r, size := utf8.DecodeRuneInString(s[i:]); isSpace(r) {
		return size
	}
	return 0
}

// skipSpace returns the first offset from i on that is no white space, or end.
func skipSpace(s string, i, end int) int {
	for i < end {
		n := spaceAt(s[:end], i)
		if n == 0 {
			break
		}
		i += n
	}
	return i
}

// trimSpace moves end back over white space, not before start.
func trimSpace(s string, start, end int) int {
	for start < end {
		r, size := utf8.DecodeLastRuneInString(s[start:end])
		if !isSpace(r) {
			break
		}
		end -= size
	}
	return end
}

// skipBlanks returns the first offset from i on that is no blank, or end.
func skipBlanks(s string, i, end int) int {
	for i < end && isBlank(s[i]) {
		i++
	}
	return i
}

// wordEnd returns the offset of the next blank from i on, or end.
func wordEnd(s string, i, end int) int {
	for i < end && !isBlank(s[i]) {
		i++
	}
	return i
}

// lowerByte returns c in lower case.
func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// lower returns s with ASCII letters in lower case.
func lower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lowerByte(b[j])
			}
			return string(b)
		}
	}
	return s
}

// upper returns s with ASCII letters in upper case.
func upper(s string) string {
	for i := range len(s) {
		if 'a' <= s[i] && s[i] <= 'z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'a' <= b[j] && b[j] <= 'z' {
					b[j] -= 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// equalFold reports whether s and t are equal but for the case of ASCII
// letters.
func equalFold(s, t string) bool {
	if len(s) != len(t) {
		return false
	}
	for i := range len(s) {
		if lowerByte(s[i]) != lowerByte(t[i]) {
			return false
		}
	}
	return true
}

// isLetter reports whether c is an ASCII letter.
func isLetter(c byte) bool {
	c = lowerByte(c)
	return 'a' <= c && c <= 'z'
}

// isDigit reports whether c is an ASCII digit.
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isNumber reports whether s is digits only, at least one.
func isNumber(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

// hasVariable reports whether s may hold a variable.
func hasVariable(s string) bool { return strings.IndexByte(s, '$') >= 0 }

// maxQuoted is how much of a text a message shows, in bytes.
const maxQuoted = 60

// quote returns s for a message: in quotes, shortened, without control
// characters.
func quote(s string) string {
	dots := ""
	s = strings.ToValidUTF8(s, "?")
	if len(s) > maxQuoted {
		cut := maxQuoted
		for !utf8.RuneStart(s[cut]) {
			cut--
		}
		s, dots = s[:cut], "..."
	}
	b := make([]byte, 0, len(s)+len(dots)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '?')
		default:
			b = append(b, c)
		}
	}
	return string(append(append(b, dots...), '"'))
}
