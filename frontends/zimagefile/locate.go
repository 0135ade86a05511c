// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"bytes"
	"sort"
	"strings"
)

// The YAML library names a line at most, and not always the right one. What is
// wrong is therefore searched for, once a file is known to be malformed.

// The search parses the file again, up to a line for each halving, and up to a
// character for each character of the line. Large files do without.
const (
	searchFile = 256 << 10
	searchLine = 1 << 20
)

// culprit returns the place whose text makes the library report a problem. The
// library stops at the first problem, so a file cut off behind it has the same
// one, and a file cut off before it has another or none.
func (p *parser) culprit(problem string) span {
	if len(p.src) > searchFile {
		_, line := parseError(p.src)
		return p.lineSpan(line)
	}
	same := func(end int) bool {
		found, _ := parseError(p.src[:end])
		return found == problem
	}
	lines := p.mapper.Lines()
	n := 1 + sort.Search(lines, func(i int) bool { return same(p.lineSpan(i + 1).end) })
	line := p.lineSpan(min(n, lines))
	if line.end*(line.end-line.start) > searchLine {
		return line
	}
	at := line.end
	for at > line.start && same(at-1) {
		at--
	}
	return p.around(max(at-1, line.start), line)
}

// around is the word of a line that holds an offset, from that offset on when
// it is punctuation.
func (p *parser) around(at int, line span) span {
	word := func(c byte) bool { return !blank(c) && strings.IndexByte(`:,[]{}"'@%`+"`", c) < 0 }
	start, end := at, min(at+1, line.end)
	if start < end && word(p.src[start]) {
		for start > line.start && word(p.src[start-1]) {
			start--
		}
		for end < line.end && word(p.src[end]) {
			end++
		}
	}
	return span{start, end}
}

// contextLine returns the line where the library says that what it was reading
// begins. An empty first line keeps it from mistaking the first line for none,
// and makes the line it counts from 0 one that counts from 1.
func (p *parser) contextLine() int {
	_, line := parseError(append([]byte("\n"), bytes.TrimPrefix(p.src, bom)...))
	return line
}

// lineSpan is the text of a line without the space around it.
func (p *parser) lineSpan(line int) span {
	line = min(max(line, 1), p.mapper.Lines())
	start := p.mapper.Offset(line, 1)
	text := p.mapper.Line(line)
	end := start + len(bytes.TrimRight(text, " \t\r"))
	return span{min(start+len(text)-len(bytes.TrimLeft(text, " \t\r")), end), end}
}

// opening is the first of some brackets or quotes that a line opens and does
// not close; the whole line when there is none.
func (p *parser) opening(line int, open string) span {
	where := p.lineSpan(line)
	text := string(p.src[where.start:where.end])
	for i := 0; i < len(text); i++ {
		c := text[i]
		first := i == 0 || strings.IndexByte(" \t[{,:-", text[i-1]) >= 0
		switch {
		case c == '#' && first:
			return where
		case !first:
		case c == '"' || c == '\'':
			end := closing(text, i)
			if end < 0 && strings.IndexByte(open, c) >= 0 {
				return span{where.start + i, where.start + i + 1}
			}
			if end < 0 {
				return where
			}
			i = end
		case strings.IndexByte(open, c) >= 0 && !balanced(text[i:]):
			return span{where.start + i, where.start + i + 1}
		}
	}
	return where
}

// closing returns the offset of the quote that closes the one at i, or -1.
func closing(text string, i int) int {
	escape := byte('\\')
	if text[i] == '\'' {
		escape = '\''
	}
	end := quoteEnd([]byte(text), i, text[i], escape)
	if end == len(text) && (text[end-1] != text[i] || end-1 == i) {
		return -1
	}
	return end - 1
}

// balanced reports whether the bracket that text begins with is closed in it.
func balanced(text string) bool {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return true
			}
		case '"', '\'':
			if end := closing(text, i); end > 0 {
				i = end
			}
		}
	}
	return false
}
