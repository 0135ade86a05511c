// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"bytes"
	"unicode/utf8"
)

// places turns the lines and columns of the YAML library, which count
// characters and break lines as YAML 1.1 does, into byte offsets. Asked in
// order it reads the source once, whatever the length of its lines.
type places struct {
	src          []byte
	lines        []int // offset of each line
	line, column int   // of offset at, from 1
	at           int
}

var bom = []byte("\xef\xbb\xbf")

func newPlaces(src []byte) *places {
	first := 0
	if bytes.HasPrefix(src, bom) {
		first = len(bom)
	}
	pl := &places{src: src, lines: []int{first}, line: 1, column: 1, at: first}
	for i := first; i < len(src); {
		n := breakAt(src, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		pl.lines = append(pl.lines, i)
	}
	return pl
}

// breakAt returns the length of the line break at i, or 0.
func breakAt(src []byte, i int) int {
	switch src[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(src) && src[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2:
		if i+1 < len(src) && src[i+1] == 0x85 {
			return 2
		}
	case 0xe2:
		if i+2 < len(src) && src[i+1] == 0x80 && (src[i+2] == 0xa8 || src[i+2] == 0xa9) {
			return 3
		}
	}
	return 0
}

// offset returns the byte offset of a line and column, both from 1. What is
// outside the source is moved to its end.
func (pl *places) offset(line, column int) int {
	if line > len(pl.lines) {
		return len(pl.src)
	}
	line = max(line, 1)
	if line != pl.line || column < pl.column {
		pl.line, pl.column, pl.at = line, 1, pl.lines[line-1]
	}
	for pl.column < column && pl.at < len(pl.src) {
		_, size := utf8.DecodeRune(pl.src[pl.at:])
		pl.at += size
		pl.column++
	}
	return pl.at
}

// blank reports whether c is white space in YAML, line breaks included.
func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// skipProperties moves over anchors, tags, white space and comments.
func skipProperties(src []byte, i int) int {
	for i < len(src) {
		switch {
		case src[i] == '&' || src[i] == '!':
			for i < len(src) && !blank(src[i]) {
				i++
			}
		case src[i] == '#':
			i = lineEnd(src, i)
		case blank(src[i]):
			i++
		default:
			return i
		}
	}
	return i
}

// lineEnd returns the offset of the end of the line that holds i.
func lineEnd(src []byte, i int) int {
	for i < len(src) && breakAt(src, i) == 0 {
		i++
	}
	return i
}

// scalarEnd returns the offset after a scalar, its closing quote included.
func scalarEnd(src []byte, n *node) int {
	switch n.style {
	case singleStyle:
		return quoteEnd(src, n.start, '\'', '\'')
	case doubleStyle:
		return quoteEnd(src, n.start, '"', '\\')
	case blockStyle:
		return sameText(src, lineEnd(src, n.start), n.value)
	}
	return sameText(src, n.start, n.value)
}

// quoteEnd returns the offset after the closing quote. The escape character
// takes the meaning from the one after it; a quote that is one must come twice.
func quoteEnd(src []byte, start int, quote, escape byte) int {
	for i := start + 1; i < len(src); i++ {
		switch {
		case src[i] == escape && escape != quote:
			i++
		case src[i] == quote && escape == quote && i+1 < len(src) && src[i+1] == quote:
			i++
		case src[i] == quote:
			return i + 1
		}
	}
	return len(src)
}

// sameText returns the offset after the text that reads as value, when all
// white space is left out of both: YAML folds and indents it, and changes
// nothing else in scalars without quotes.
func sameText(src []byte, i int, value string) int {
	end := i
	for k := 0; k < len(value); {
		r, size := utf8.DecodeRuneInString(value[k:])
		k += size
		if isSpace(r) {
			continue
		}
		for i < len(src) {
			s, size := utf8.DecodeRune(src[i:])
			if !isSpace(s) {
				break
			}
			i += size
		}
		if !bytes.HasPrefix(src[i:], []byte(value[k-size:k])) {
			break
		}
		i += size
		end = i
	}
	return end
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// bracketEnd returns the offset after the bracket that closes a collection, of
// which all items end before i.
func bracketEnd(src []byte, i int) int {
	for i < len(src) {
		switch {
		case src[i] == ']' || src[i] == '}':
			return i + 1
		case src[i] == '#':
			i = lineEnd(src, i)
		default:
			i++
		}
	}
	return len(src)
}

// findComments lists the comments: they stand between scalars, at the start of
// a line or after white space.
func (p *parser) findComments() {
	i := 0
	for k := 0; k <= len(p.scalars); k++ {
		end := len(p.src)
		if k < len(p.scalars) {
			end = p.scalars[k].start
		}
		for ; i < end; i++ {
			if p.src[i] == '#' && (i == 0 || blank(p.src[i-1]) || bytes.Equal(p.src[:i], bom)) {
				p.comments = append(p.comments, span{i, lineEnd(p.src, i)})
				i = lineEnd(p.src, i)
			}
		}
		if k < len(p.scalars) {
			i = max(i, p.scalars[k].end)
		}
	}
}

// wordAt is the stretch of non-blank characters at an offset.
func (p *parser) wordAt(i int) span {
	end := i
	for end < len(p.src) && !blank(p.src[end]) {
		end++
	}
	return span{i, end}
}
