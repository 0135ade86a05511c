// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// tokens lists keys, values, the variables in them, and comments.
func (p *parser) tokens() []*frontendv1.Token {
	var out []*frontendv1.Token
	add := func(kind frontendv1.TokenKind, s span) {
		if s.start < s.end {
			out = append(out, &frontendv1.Token{Kind: kind, Range: p.rangeOf(s)})
		}
	}
	comments := p.comments
	for _, n := range p.scalars {
		for len(comments) > 0 && comments[0].start < n.start {
			add(frontendv1.TokenKind_TOKEN_KIND_COMMENT, comments[0])
			comments = comments[1:]
		}
		switch {
		case n.isKey:
			add(frontendv1.TokenKind_TOKEN_KIND_KEYWORD, n.span)
		case n.kind == aliasNode:
			add(frontendv1.TokenKind_TOKEN_KIND_OPERATOR, n.span)
		case n.isNumber():
			add(frontendv1.TokenKind_TOKEN_KIND_NUMBER, n.span)
		default:
			at := n.start
			for _, v := range p.variables(n) {
				add(frontendv1.TokenKind_TOKEN_KIND_STRING, span{at, v.start})
				add(frontendv1.TokenKind_TOKEN_KIND_VARIABLE, v.span)
				at = v.end
			}
			add(frontendv1.TokenKind_TOKEN_KIND_STRING, span{at, n.end})
		}
	}
	for _, c := range comments {
		add(frontendv1.TokenKind_TOKEN_KIND_COMMENT, c)
	}
	return out
}

// variable is a use of a variable in a scalar.
type variable struct {
	span
	name string
	// at is the name alone.
	at span
}

// variables finds the variables of a scalar in the source, the outermost when
// they nest.
func (p *parser) variables(n *node) []variable {
	if n.kind != scalarNode {
		return nil
	}
	var out []variable
	for i := n.start; i+1 < n.end; i++ {
		if p.src[i] == '\\' {
			i++
			continue
		}
		if p.src[i] != '$' {
			continue
		}
		if p.src[i+1] == '$' {
			i++
			continue
		}
		if v := variableAt(p.src[:n.end], i); v.name != "" {
			out = append(out, v)
			i = v.end - 1
		}
	}
	return out
}

// variableAt reads "$NAME" or "${NAME…}" at i.
func variableAt(src []byte, i int) variable {
	start, end := i+1, 0
	braces := src[start] == '{'
	if braces {
		start++
	}
	for end = start; end < len(src) && nameByte(src[end], end == start); end++ {
	}
	v := variable{span{i, end}, string(src[start:end]), span{start, end}}
	if braces && v.name != "" {
		v.end = i + substitution(src[i:])
	}
	return v
}

func nameByte(c byte, first bool) bool {
	return c == '_' || 'a' <= lower(c) && lower(c) <= 'z' || !first && '0' <= c && c <= '9'
}
