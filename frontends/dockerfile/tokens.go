// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"cmp"
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

const (
	tokenComment      = frontendv1.TokenKind_TOKEN_KIND_COMMENT
	tokenDirective    = frontendv1.TokenKind_TOKEN_KIND_DIRECTIVE
	tokenKeyword      = frontendv1.TokenKind_TOKEN_KIND_KEYWORD
	tokenFlag         = frontendv1.TokenKind_TOKEN_KIND_FLAG
	tokenString       = frontendv1.TokenKind_TOKEN_KIND_STRING
	tokenVariable     = frontendv1.TokenKind_TOKEN_KIND_VARIABLE
	tokenHeredoc      = frontendv1.TokenKind_TOKEN_KIND_HEREDOC
	tokenContinuation = frontendv1.TokenKind_TOKEN_KIND_CONTINUATION
	tokenNumber       = frontendv1.TokenKind_TOKEN_KIND_NUMBER
	tokenOperator     = frontendv1.TokenKind_TOKEN_KIND_OPERATOR
)

// tokens collects the tokens of a file in any order. A token may lie inside
// another one, as a variable in an argument does: it is then cut out of it.
// All methods do nothing on nil, which is what tokens nobody asked for are.
type tokens struct{ all []mark }

// mark is a place in the source with a kind, that of a token for instance.
type mark struct {
	kind int32
	span
}

// sortMarks sorts by place, the longer first, and strings before what else may
// stand at the very same place. It is the only sort here: each costs a module
// tens of kilobytes.
func sortMarks(list []mark) {
	slices.SortStableFunc(list, func(a, b mark) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.kind, b.kind))
	})
}

// add adds a stretch of the source.
func (t *tokens) add(kind frontendv1.TokenKind, at span) {
	if t != nil && at.start < at.end {
		t.all = append(t.all, mark{int32(kind), at})
	}
}

// text adds a stretch of the text of a line: one token for each source line,
// without the white space around.
func (t *tokens) text(l *line, kind frontendv1.TokenKind, at span) {
	if t == nil {
		return
	}
	first, _ := slices.BinarySearchFunc(l.pieces, at.start, func(p piece, start int) int {
		return cmp.Compare(p.text, start+1)
	})
	for i := max(first-1, 0); i < len(l.pieces) && l.pieces[i].text < at.end; i++ {
		end := len(l.text)
		if i+1 < len(l.pieces) {
			end = l.pieces[i+1].text
		}
		from, to := max(at.start, l.pieces[i].text), min(at.end, end)
		from = skipSpace(l.text, from, to)
		t.add(kind, l.source(from, trimSpace(l.text, from, to)))
	}
}

// keyword adds the keyword of an instruction and of the one inside.
func (t *tokens) keyword(in *instruction) {
	for ; in != nil; in = in.trigger {
		t.text(in.line, tokenKeyword, in.name.span)
	}
}

// list returns the tokens in order and without overlap.
func (t *tokens) list(p *parser) []*frontendv1.Token {
	if t == nil {
		return nil
	}
	sortMarks(t.all)
	out := &tokenList{p: p, list: make([]*frontendv1.Token, 0, len(t.all)+len(t.all)/2)}
	var outer mark
	for _, in := range t.all {
		if in.start >= outer.end {
			out.add(outer.kind, outer.span)
			outer = in
			continue
		}
		in.start, in.end = max(in.start, outer.start), min(in.end, outer.end)
		out.add(outer.kind, span{outer.start, in.start})
		out.add(in.kind, in.span)
		outer.start = max(outer.start, in.end)
	}
	out.add(outer.kind, outer.span)
	return out.list
}

type tokenList struct {
	p    *parser
	list []*frontendv1.Token
	slab slab[frontendv1.Token]
}

func (l *tokenList) add(kind int32, at span) {
	if at.start >= at.end {
		return
	}
	t := l.slab.next()
	t.Kind, t.Range = frontendv1.TokenKind(kind), l.p.rangeOf(at)
	l.list = append(l.list, t)
}
