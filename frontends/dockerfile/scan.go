// SPDX-License-Identifier: Apache-2.0

package dockerfile

import "strings"

// span is a half-open stretch of bytes.
type span struct{ start, end int }

// A line is one logical line: an instruction as its builder sees it, with the
// continuations joined and without the comments and blank lines in between.
type line struct {
	// text is the joined text. It holds no line end.
	text string
	// pieces says where the parts of text stand in the source, in order. It is
	// empty when text is.
	pieces []piece
	one    [1]piece // what pieces points to for the usual line of one part
	// comments are the comment lines directly above, "#" included.
	comments []span
	// blanks are the blank lines between the parts.
	blanks []span
	// start is where the first part begins, after white space.
	start int
	// end is the end of the last source line that belongs to it.
	end int
}

// piece is one part of a line: text offset and source offset of its start.
type piece struct{ text, src int }

// at translates an offset in text into one in the source.
func (l *line) at(offset int) int {
	if len(l.pieces) == 0 {
		return l.start
	}
	lo, hi := 0, len(l.pieces) // the last piece that begins at or before offset
	for hi-lo > 1 {
		if mid := (lo + hi) / 2; l.pieces[mid].text <= offset {
			lo = mid
		} else {
			hi = mid
		}
	}
	return l.pieces[lo].src + offset - l.pieces[lo].text
}

// source translates a stretch of text into one of the source. An end at the
// end of a piece stays there instead of moving on to the next one.
func (l *line) source(start, end int) span {
	if start >= end {
		at := l.at(start)
		return span{at, at}
	}
	return span{l.at(start), l.at(end-1) + 1}
}

// scanner cuts the source into logical lines.
type scanner struct {
	src    string
	pos    int  // the start of the next source line
	escape byte // the escape character: \ or `
	tokens *tokens
	// misplaced are the comments that look like directives.
	misplaced []directive
	// recoveries counts the here-documents without an end.
	recoveries int
}

// sourceLine returns the next source line without its line end and moves on.
// A "\r" before "\n" belongs to the line end, however many there are.
func (s *scanner) sourceLine() span {
	start := s.pos
	n := strings.IndexByte(s.src[start:], '\n')
	end := len(s.src)
	s.pos = end
	if n >= 0 {
		end = start + n
		s.pos = end + 1
	}
	for end > start && s.src[end-1] == '\r' {
		end--
	}
	return span{start, end}
}

// next returns the next logical line, or nil at the end of the source.
func (s *scanner) next() *line {
	var comments []span
	for s.pos < len(s.src) {
		at := s.sourceLine()
		at.start = skipSpace(s.src, at.start, at.end)
		switch {
		case at.start == at.end:
			comments = nil
		case s.src[at.start] == '#':
			s.comment(at)
			comments = append(comments, at)
		default:
			l := &line{comments: comments, start: at.start, end: at.end}
			s.join(l, at)
			return l
		}
	}
	return nil
}

// comment notes a comment line between instructions.
func (s *scanner) comment(at span) {
	s.tokens.add(tokenComment, at)
	if d, ok := parseDirective(s.src, at, "#"); ok {
		s.misplaced = append(s.misplaced, d)
	}
}

// join fills text and pieces of a line whose first source line is at.
func (s *scanner) join(l *line, at span) {
	body, more := s.cutContinuation(at)
	if !more {
		l.text = s.src[body.start:body.end]
		l.one[0] = piece{0, body.start}
		l.pieces = l.one[:]
		return
	}
	text := appendPiece(nil, l, s.src, body)
	for more && s.pos < len(s.src) {
		at = s.sourceLine()
		l.end = at.end
		first := skipSpace(s.src, at.start, at.end)
		switch {
		case first == at.end:
			l.blanks = append(l.blanks, span{at.start, s.pos})
		case s.src[first] == '#':
			s.tokens.add(tokenComment, span{first, at.end})
		default:
			body, more = s.cutContinuation(at)
			text = appendPiece(text, l, s.src, body)
		}
	}
	l.text = string(text)
}

func appendPiece(text []byte, l *line, src string, body span) []byte {
	if body.start == body.end {
		return text
	}
	l.pieces = append(l.pieces, piece{len(text), body.start})
	return append(text, src[body.start:body.end]...)
}

// cutContinuation cuts off the escape character that continues a line, and the
// blanks after it. It continues the line unless another one stands before it.
func (s *scanner) cutContinuation(at span) (span, bool) {
	end := at.end
	for end > at.start && (s.src[end-1] == ' ' || s.src[end-1] == '\t') {
		end--
	}
	if end == at.start || s.src[end-1] != s.escape {
		return at, false
	}
	if end-1 > at.start && s.src[end-2] == s.escape {
		return at, false
	}
	s.tokens.add(tokenContinuation, span{end - 1, end})
	return span{at.start, end - 1}, true
}
