// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "strings"

// A word is a piece of a line with the place where it is written. What its
// text stands for (variables, quotes of an argument) is not its business, but
// quotes of a flag and escapes of a JSON string are gone from its text.
type word struct {
	text string
	// span is where it is written, quotes included, as offsets in line.text.
	span
	// base is the offset in line.text of the first byte of text.
	base int
	// offsets holds the offset in line.text of each byte of text, where text
	// is not simply a part of line.text.
	offsets []int
}

// cut returns the word that is written as text[start:end].
func cut(text string, start, end int) word {
	return word{text: text[start:end], span: span{start, end}, base: start}
}

// part returns a part of the text of w as a word.
func (w word) part(start, end int) word {
	p := word{text: w.text[start:end]}
	if w.offsets == nil {
		p.base = w.base + start
		p.span = span{p.base, w.base + end}
		return p
	}
	p.offsets = w.offsets[start:end]
	switch {
	case start < end:
		p.span = span{w.offsets[start], w.offsets[end-1] + 1}
	case end < len(w.offsets):
		p.span = span{w.offsets[end], w.offsets[end]}
	default:
		p.span = span{w.end, w.end}
	}
	return p
}

// cutEquals splits w around the first "=". ok is false when there is none; then
// key is the whole of w.
func (w word) cutEquals() (key, value word, ok bool) {
	i := strings.IndexByte(w.text, '=')
	if i < 0 {
		return w, word{}, false
	}
	return w.part(0, i), w.part(i+1, len(w.text)), true
}

// A builder of words whose text is not as written.
type unquoted struct {
	text    []byte
	offsets []int
}

// add appends line[i] to the text.
func (u *unquoted) add(line string, i int) {
	u.text = append(u.text, line[i])
	u.offsets = append(u.offsets, i)
}

// word returns what was added, written at start to end.
func (u *unquoted) word(start, end int) word {
	return word{text: string(u.text), span: span{start, end}, base: start, offsets: u.offsets}
}

// fields appends the words of text[start:end] that are parted by blanks.
// Quotes mean nothing here: so are the arguments of FROM, EXPOSE and COPY.
func fields(list []word, text string, start, end int) []word {
	for i := start; ; {
		i = skipBlanks(text, i, end)
		if i == end {
			return list
		}
		first := i
		i = wordEnd(text, i, end)
		list = append(list, cut(text, first, i))
	}
}

// quotedFields appends the words of text[start:end] that are parted by white
// space outside quotes: so are the arguments of ENV, LABEL and ARG. Quotes and
// escapes stay in the words. An escape character at the very end is dropped.
func quotedFields(list []word, text string, start, end int, escape byte) []word {
	for i := skipSpace(text, start, end); i < end; i = skipSpace(text, i, end) {
		first := i
		last := quotedEnd(text, i, end, escape)
		i = last
		if danglingEscape(text, first, last, escape) {
			last--
		}
		if last > first {
			list = append(list, cut(text, first, last))
		}
	}
	return list
}

// quotedEnd returns the end of the word that begins at i.
func quotedEnd(text string, i, end int, escape byte) int {
	quote := byte(0)
	for i < end {
		c := text[i]
		switch {
		case c == escape && quote != '\'':
			i++ // the next byte is never special; neither are those of its rune
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case spaceAt(text[:end], i) > 0:
			return i
		}
		i++
	}
	return end
}

// danglingEscape reports whether a word ends in an escape character that has
// nothing to escape. A word only does at the end of its line.
func danglingEscape(text string, start, end int, escape byte) bool {
	if text[end-1] != escape {
		return false
	}
	quote, dangling := byte(0), false
	for i := start; i < end; i++ {
		c := text[i]
		switch {
		case c == escape && quote != '\'':
			dangling = i == end-1
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		}
	}
	return dangling
}
