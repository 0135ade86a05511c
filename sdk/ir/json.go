// SPDX-License-Identifier: Apache-2.0

package ir

import "strings"

// jsonString writes a string of JSON.
func jsonString(b *strings.Builder, s string) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// isArray says whether s is an array of JSON (RFC 8259): Dockerfile takes such
// a command for the exec form. The package for JSON would weigh more in a
// frontend's module than all else here.
func isArray(s string) bool {
	if !strings.HasPrefix(s, "[") {
		return false
	}
	rest, ok := afterValue(s, 0)
	return ok && jsonSpace(rest) == ""
}

// maxNesting is how deeply values may nest.
const maxNesting = 10_000

func jsonSpace(s string) string { return strings.TrimLeft(s, " \t\r\n") }

// afterValue returns what follows the value that s begins with.
func afterValue(s string, depth int) (rest string, ok bool) {
	s = jsonSpace(s)
	switch {
	case s == "" || depth > maxNesting:
		return s, false
	case s[0] == '[':
		return afterItems(s[1:], ']', depth+1)
	case s[0] == '{':
		return afterItems(s[1:], '}', depth+1)
	case s[0] == '"':
		return afterString(s[1:])
	}
	n := strings.IndexAny(s, " \t\r\n,]}")
	if n < 0 {
		n = len(s)
	}
	return s[n:], isLiteral(s[:n])
}

// afterItems returns what follows the items of an array or object up to its
// closing bracket.
func afterItems(s string, closer byte, depth int) (rest string, ok bool) {
	if s = jsonSpace(s); strings.HasPrefix(s, string(rune(closer))) {
		return s[1:], true
	}
	for {
		if closer == '}' {
			if s, ok = afterKey(jsonSpace(s)); !ok {
				return s, false
			}
		}
		if s, ok = afterValue(s, depth); !ok {
			return s, false
		}
		if s = jsonSpace(s); s == "" || s[0] != ',' && s[0] != closer {
			return s, false
		}
		if s[0] == closer {
			return s[1:], true
		}
		s = s[1:]
	}
}

func afterKey(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return s, false
	}
	s, ok = afterString(s[1:])
	s, colon := strings.CutPrefix(jsonSpace(s), ":")
	return s, ok && colon
}

// afterString returns what follows a string whose opening quote is read.
func afterString(s string) (rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return s[i+1:], true
		case c < ' ':
			return s, false
		case c == '\\':
			if i++; i == len(s) || strings.IndexByte(`"\/bfnrtu`, s[i]) < 0 {
				return s, false
			}
			if s[i] == 'u' && (len(s) < i+5 || strings.Trim(strings.ToLower(s[i+1:i+5]), "0123456789abcdef") != "") {
				return s, false
			}
		}
	}
	return s, false
}

// isLiteral says whether s is a number, a truth value or null.
func isLiteral(s string) bool {
	if s == "true" || s == "false" || s == "null" {
		return true
	}
	s = strings.TrimPrefix(s, "-")
	whole := digits(s)
	if whole == 0 || whole > 1 && s[0] == '0' {
		return false
	}
	s = s[whole:]
	if fraction, ok := strings.CutPrefix(s, "."); ok {
		n := digits(fraction)
		if n == 0 {
			return false
		}
		s = fraction[n:]
	}
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return s == ""
	}
	if s = s[1:]; s != "" && (s[0] == '+' || s[0] == '-') {
		s = s[1:]
	}
	return s != "" && digits(s) == len(s)
}

// digits returns how many digits s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }
