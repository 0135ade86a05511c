// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible returns a text in which all can be seen that is there: bytes that are
// not UTF-8, control characters and what turns or hides other text are written
// as in a string literal of Go. What is left steers no terminal and is allowed
// in XML.
func visible(text string) string {
	var b strings.Builder
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case r == '\n', r == '\t', unicode.IsGraphic(r):
			b.WriteRune(r)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		rest = rest[size:]
	}
	return b.String()
}

// line is visible for what has to stay on its line: it could be taken for
// another one of the report.
func line(text string) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(visible(strings.TrimSpace(text)))
}

// clip returns the beginning of a text, within a number of lines and bytes, and
// says what is missing. The JSON report has all.
func clip(text string, lines, bytes int) string {
	text = strings.TrimSuffix(text, "\n")
	end := len(text)
	if end > bytes {
		end = bytes
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
	}
	for i := range end {
		if text[i] != '\n' {
			continue
		}
		if lines--; lines == 0 {
			end = i
			break
		}
	}
	if end == len(text) {
		return text
	}
	return fmt.Sprintf("%s\n… and %d bytes more; the report as json has them", strings.TrimSuffix(text[:end], "\n"), len(text)-end)
}
