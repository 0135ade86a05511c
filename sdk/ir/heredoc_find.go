// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// begins says whether a line of RUN, COPY or ADD begins exactly these
// here-documents, in this order.
func begins(line string, docs []*irv1.Heredoc) bool {
	var found []*irv1.Heredoc
	for _, w := range shellWords(line) {
		if h := openedBy(w); h != nil {
			found = append(found, h)
		}
	}
	return slices.EqualFunc(found, docs, func(a, b *irv1.Heredoc) bool {
		return a.Name == b.Name && a.Expand == b.Expand && a.StripTabs == b.StripTabs && a.Fd == b.Fd
	})
}

// openedBy returns the here-document that a word such as 3<<-"EOF" begins,
// without its body, or nil.
func openedBy(word string) *irv1.Heredoc {
	rest := strings.TrimLeft(word, "0123456789")
	fd := word[:len(word)-len(rest)]
	h := &irv1.Heredoc{Expand: !strings.ContainsAny(rest, `"'`)}
	rest, ok := strings.CutPrefix(rest, "<<")
	rest, h.StripTabs = strings.CutPrefix(rest, "-")
	rest = strings.TrimLeft(rest, " \t\r")
	for _, c := range []byte(fd) {
		h.Fd = min(10*h.Fd+uint32(c-'0'), 1<<24)
	}
	if h.Name = unquote(rest); !ok || strings.Contains(rest, "<") || h.Name == "" {
		return nil
	}
	return h
}

// unquote drops quotes and escapes.
func unquote(s string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
			continue
		case quote != 0 && c == quote:
			quote = 0
			continue
		case c == '\\' && escapes(s[i:], quote):
			i++
		}
		if i < len(s) {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// escapes says whether the backslash that s begins with takes the next
// character literally, inside of that quote.
func escapes(s string, quote byte) bool {
	switch quote {
	case '\'':
		return false
	case '"':
		return len(s) > 1 && strings.IndexByte(`"$\`, s[1]) >= 0
	}
	return true
}

// shellWords splits a line at the white space outside of quotes and variables,
// as Dockerfile does to find here-documents. It returns nothing when one of
// these does not close.
func shellWords(line string) (words []string) {
	var open []byte // what closes what is open
	start := 0
	for i := 0; i < len(line); {
		c, n := utf8.DecodeRuneInString(line[i:])
		top := byte(0)
		if len(open) > 0 {
			top = open[len(open)-1]
		}
		switch {
		case top != 0 && line[i] == top:
			open = open[:len(open)-1]
		case top == '\'':
		case c == '$':
			var closer byte
			if closer, n = variable(line[i:]); n == 0 {
				return nil
			} else if closer != 0 {
				open = append(open, closer)
			}
		case c == '\\' && escapes(line[i:], top):
			_, next := utf8.DecodeRuneInString(line[i+n:])
			n += next
		case c == '"', c == '\'' && top != '"':
			open = append(open, line[i])
		case top == 0 && unicode.IsSpace(c):
			words = append(words, line[start:i])
			start = i + n
		case top == 0 && strings.HasPrefix(line[i:], "<<"):
			n = len(line) - i - len(strings.TrimLeft(line[i+2:], " \t\r"))
		}
		i += n
	}
	if len(open) > 0 {
		return nil
	}
	return append(words, line[start:])
}

// variable returns the size of the "$", "$name" or "${name" with its modifier
// that s begins with, and what closes it. The size is 0 when it is none.
func variable(s string) (closer byte, size int) {
	rest, braces := strings.CutPrefix(s[1:], "{")
	name := variableName(rest)
	if !braces {
		return 0, 1 + name
	}
	size = 2 + name
	for _, modifier := range [...]string{"}", "+", "-", "?", "#", "%", "/", ":+", ":-", ":?"} {
		if name > 0 && strings.HasPrefix(rest[name:], modifier) {
			if modifier != "}" {
				size += len(modifier)
			}
			return '}', size
		}
	}
	return 0, 0
}

// variableName returns the size of the name that s begins with.
func variableName(s string) int {
	if s != "" && strings.IndexByte("@*#?-$!", s[0]) >= 0 {
		return 1
	}
	if n := digits(s); n > 0 {
		return n
	}
	end := strings.IndexFunc(s, func(c rune) bool {
		return c < utf8.RuneSelf && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
	if end < 0 {
		return len(s)
	}
	return end
}
