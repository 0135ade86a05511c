// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// most is how many mistakes are reported.
const most = 100

// space separates words.
const space = " \t"

func (p *parser) text(at span) string       { return p.src[at.start:at.end] }
func (p *parser) rng(at span) *diagv1.Range { return p.at.Range(at.start, at.end) }

// report notes a mistake.
func (p *parser) report(at span, code, message, help string) *diagv1.Diagnostic {
	d := diag.Error(p.rng(at), code, message)
	d.Help = help
	if len(p.res.Diagnostics) < most {
		p.res.Diagnostics = append(p.res.Diagnostics, d)
	}
	return d
}

// token notes a token, when they are asked for.
func (p *parser) token(kind frontendv1.TokenKind, at span) {
	if p.asked && at.start < at.end {
		p.res.Tokens = append(p.res.Tokens, &frontendv1.Token{Kind: kind, Range: p.rng(at)})
	}
}

// escaper makes text of what readers would expand otherwise.
var escaper = strings.NewReplacer(`\`, `\\`, `$`, `\$`, `"`, `\"`, `'`, `\'`)

// word is a piece of the source. Where readers expand words, what would have a
// meaning then is escaped.
func (p *parser) word(at span, expanded bool) *irv1.Word {
	w := &irv1.Word{Text: p.text(at), Range: p.rng(at)}
	if expanded {
		w.Text = escaper.Replace(w.Text)
	}
	return w
}

// wordsOf are the words of a line after the keyword, and their tokens.
func (p *parser) wordsOf(l *line, expanded bool) []*irv1.Word {
	words := make([]*irv1.Word, 0, len(l.words))
	for _, at := range l.words {
		p.token(frontendv1.TokenKind_TOKEN_KIND_STRING, at)
		words = append(words, p.word(at, expanded))
	}
	return words
}

// split returns where the words of a text are that begins at an offset.
func split(start int, text string) []span {
	var words []span
	for end := 0; end < len(text); {
		first := end + len(text[end:]) - len(strings.TrimLeft(text[end:], space))
		if first == len(text) {
			break
		}
		end = len(text)
		if i := strings.IndexAny(text[first:], space); i >= 0 {
			end = first + i
		}
		words = append(words, span{start + first, start + end})
	}
	return words
}

// find returns a keyword; nil when there is none of the name.
func find(name string) *keyword {
	for i, k := range keywords {
		if k.name == name {
			return &keywords[i]
		}
	}
	return nil
}

// isName reports whether a variable may have the name.
func isName(s string) bool {
	const letters = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return strings.Trim(s, letters+"0123456789") == "" && strings.IndexByte(letters, s[0]) >= 0
}

// firstInvalid is the offset of the first byte that is not UTF-8; the length
// when there is none.
func firstInvalid(s string) int {
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(s)
}
