// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"errors"
	"strings"
	"unicode"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir/expand"
)

// expanded makes a word that the build expands.
func (p *parser) expanded(n *node) *irv1.Word { return p.expandedText(n, escape(n.value, false)) }

// value makes a word like expanded, for one side of a pair: white space stands
// in quotes there.
func (p *parser) value(n *node) *irv1.Word {
	if !strings.ContainsFunc(n.value, unicode.IsSpace) {
		return p.expanded(n)
	}
	return p.expandedText(n, `"`+escape(n.value, true)+`"`)
}

// expandedText makes the word of a value from its text. A variable that is
// written wrongly is reported.
func (p *parser) expandedText(n *node, text string) *irv1.Word {
	w := &irv1.Word{Text: text, Range: p.rangeOf(n.span)}
	if !strings.Contains(w.Text, "$") {
		return w
	}
	_, err := expand.Lex{}.Word(w.Text, func(string) (string, bool) { return "x", true })
	if bad := (*expand.Error)(nil); errors.As(err, &bad) {
		d := p.error(n.span, "bad-substitution", bad.Problem)
		d.Help = `write ${NAME}, or "$$" for a dollar sign`
	}
	return w
}

// escape turns the text of a value into a word that expands to it, or into
// what stands between double quotes: quotes and backslashes mean themselves,
// "$$" and "\$" are a dollar sign, variables stay.
func escape(s string, quoted bool) string {
	if !strings.ContainsAny(s, `'"\$`) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); {
		if quoted && s[i] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		i += escapeNext(&b, s[i:], 0)
	}
	return b.String()
}

// maxNesting is how deep values nest in "${…}"; the build allows less.
const maxNesting = 40

// escapeNext writes what s begins with and returns its length.
func escapeNext(b *strings.Builder, s string, depth int) int {
	switch {
	case strings.HasPrefix(s, "$$"), strings.HasPrefix(s, `\$`):
		b.WriteString(`\$`)
		return 2
	case strings.HasPrefix(s, "${") && depth > maxNesting:
		b.WriteString(s)
		return len(s)
	case strings.HasPrefix(s, "${"):
		n := substitution(s)
		b.WriteString(s[:2])
		writeInner(b, s[2:n], depth+1)
		return n
	case s[0] == '\\' || s[0] == '"' || s[0] == '\'':
		b.WriteByte('\\')
	}
	b.WriteByte(s[0])
	return 1
}

// writeInner writes the inside of "${…}", brace included. The text after "-",
// "+" and "?" is a value like others; the patterns of "#", "%" and "/" are
// written in Dockerfile's way, backslashes included.
func writeInner(b *strings.Builder, s string, depth int) {
	i := strings.IndexAny(s, "-+?#%/}")
	if i < 0 || s[i] == '}' || strings.IndexByte("#%/", s[i]) >= 0 {
		b.WriteString(s)
		return
	}
	b.WriteString(s[:i+1])
	for i++; i < len(s); {
		i += escapeNext(b, s[i:], depth)
	}
}

// substitution returns the length of the "${…}" that s begins with. One that
// does not end reaches to the end of s.
func substitution[T string | []byte](s T) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '$' && i+1 < len(s) && s[i+1] == '{':
			depth++
			i++
		case s[i] == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}
