// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// slab hands out values from blocks: a file has many small nodes, and they
// live and die together.
type slab[T any] struct{ free []T }

// slabSize is how many nodes a block has.
const slabSize = 32

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}

// rangeOf returns a stretch of the source as a range.
func (p *parser) rangeOf(at span) *diagv1.Range {
	line, column, column16 := p.mapper.Position(at.start)
	endLine, endColumn, endColumn16 := line, column+at.end-at.start, column16+at.end-at.start
	if !p.sameLine(at) {
		endLine, endColumn, endColumn16 = p.mapper.Position(at.end)
	}
	r := p.ranges.next()
	r.Line, r.Column, r.ColumnUtf16 = uint32(line), uint32(column), uint32(column16)
	r.EndLine, r.EndColumn, r.EndColumnUtf16 = uint32(endLine), uint32(endColumn), uint32(endColumn16)
	return r
}

// sameLine reports whether a short stretch is ASCII without a line end, so
// that its end need not be looked up.
func (p *parser) sameLine(at span) bool {
	if at.end-at.start > 64 || at.start < len(bom) {
		return false
	}
	for i := at.start; i < at.end; i++ {
		if c := p.src[i]; c == '\n' || c >= 0x80 {
			return false
		}
	}
	return true
}

// word returns w as a word of the IR.
func (p *parser) word(w word) *irv1.Word {
	x := p.words.next()
	x.Text, x.Range = w.text, p.rangeOf(p.line.source(w.start, w.end))
	return x
}

// literal is word for an argument that is never expanded.
func (p *parser) literal(w word) *irv1.Word {
	p.tokens.text(p.line, tokenString, w.span)
	return p.word(w)
}

// expanded is word for an argument that is expanded by Docker's word rules.
func (p *parser) expanded(w word) *irv1.Word {
	p.tokens.text(p.line, tokenString, w.span)
	p.checkExpansion(w)
	return p.word(w)
}

// checkExpansion checks the quotes and variables of w, and notes the
// variables. It returns what it found wrong, nil when nothing is.
func (p *parser) checkExpansion(w word) *diagv1.Diagnostic {
	if !strings.ContainsAny(w.text, "$'\"") {
		return nil
	}
	l := lexer{text: w.text, escape: p.escape}
	if t := p.variables(&l, w); t.item == lexError {
		return p.lexFault(&l, w)
	}
	return nil
}

// lexes reports whether the quotes and variables of w are in order.
func (p *parser) lexes(w word) bool {
	for l := (lexer{text: w.text, escape: p.escape}); ; {
		switch l.next().item {
		case lexEnd:
			return true
		case lexError:
			return false
		default:
		}
	}
}

// variables notes the variables of w up to the end of l, and returns the item
// that ends it.
func (p *parser) variables(l *lexer, w word) lexToken {
	depth, start := 0, 0 // of "${"
	for {
		t := l.next()
		switch t.item {
		case lexEnd, lexError:
			return t
		case lexName:
			p.variableUse(w, t)
			switch {
			case w.text[t.start+1] == '{':
				if depth++; depth == 1 {
					start = t.start
				}
			case depth == 0:
				p.variableToken(w, t.span)
			}
		case lexVariable:
			if depth--; depth == 0 {
				p.variableToken(w, span{start, t.end})
			}
		default:
		}
	}
}

// variableUse notes that a variable is used.
func (p *parser) variableUse(w word, t lexToken) {
	if p.symbols != nil {
		at := w.part(t.name.start, t.name.end).span
		p.symbols.useVariable(w.text[t.name.start:t.name.end], p.line.source(at.start, at.end))
	}
}

func (p *parser) variableToken(w word, at span) {
	if p.tokens != nil {
		p.tokens.text(p.line, tokenVariable, w.part(at.start, at.end).span)
	}
}

// lexFault reports what is wrong with a word.
func (p *parser) lexFault(l *lexer, w word) *diagv1.Diagnostic {
	_, size := utf8.DecodeRuneInString(w.text[l.errAt:])
	char := w.text[l.errAt : l.errAt+size]
	at := w.part(l.errAt, l.errAt+size).span
	switch l.err {
	case openDoubleQuote, openSingleQuote:
		d := p.fault(unterminatedQuote, at, "the quote is not closed")
		d.Help = "close it, or write " + string(rune(p.escape)) + char + " for the character itself"
		return d
	case openBrace:
		return p.fault(badVariable, span{at.start, w.end}, `the "${" is not closed`)
	case badSubstitution:
		return p.fault(badVariable, span{at.start, w.end}, `no variable name follows the "${"`)
	default:
		d := p.fault(badVariable, at, "variables have no modifier "+quote(char))
		d.Help = "modifiers are :-  -  :+  +  :?  ?  #  ##  %  %%  /  //"
		return d
	}
}

// newStep returns a step without its operation.
func (p *parser) newStep(in *instruction) *irv1.Step {
	s := p.steps.next()
	l := in.line
	start := l.at(in.name.start)
	s.Range = p.rangeOf(span{start, in.end})
	s.Text = in.text(p.src, joined(l, in.name.start, in.rest.end))
	s.Comment = p.commentText(l.comments)
	return s
}

// commentText returns comment lines without "#" and the white space around.
func (p *parser) commentText(lines []span) string {
	if len(lines) == 0 {
		return ""
	}
	var b []byte
	for i, at := range lines {
		if i > 0 {
			b = append(b, '\n')
		}
		start := skipSpace(p.src, at.start+1, at.end)
		b = append(b, p.src[start:trimSpace(p.src, start, at.end)]...)
	}
	if p.utf8 {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// text returns the text of an instruction with its here-documents behind it.
func (in *instruction) text(src, text string) string {
	if len(in.heredocs) == 0 {
		return text
	}
	last := in.heredocs[len(in.heredocs)-1]
	return text + "\n" + src[in.heredocs[0].body.start:last.closer.end]
}

// joined returns l.text[start:end] as history shows it: where there is white
// space around a joint it becomes one blank.
func joined(l *line, start, end int) string {
	if len(l.pieces) <= 1 {
		return l.text[start:end]
	}
	b := make([]byte, 0, end-start)
	for i, piece := range l.pieces {
		pieceEnd := len(l.text)
		if i+1 < len(l.pieces) {
			pieceEnd = l.pieces[i+1].text
		}
		from, to := max(piece.text, start), min(pieceEnd, end)
		if from >= to {
			continue
		}
		next := skipSpace(l.text, from, to)
		kept := len(b)
		for kept > 0 && isSpace(rune(b[kept-1])) && b[kept-1] < utf8.RuneSelf {
			kept--
		}
		if len(b) > 0 && (next > from || kept < len(b)) {
			b = append(b[:kept], ' ')
			from = next
		}
		b = append(b, l.text[from:to]...)
	}
	return string(b)
}
