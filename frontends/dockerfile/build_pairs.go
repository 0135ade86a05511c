// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// pair is the concrete syntax of name[=value].
type pair struct {
	name, value word
	// sep says what stands between them: '=', or ' ' in the old form with a
	// single pair, or 0 when there is no value.
	sep byte
}

// pairs appends the pairs of ENV and LABEL. Without "=" in the first word the
// rest of the line is its value. A word without "=" further on has sep 0.
func (in *instruction) pairs(list []pair, words []word, escape byte) ([]pair, []word) {
	text, rest := in.line.text, in.rest
	words = quotedFields(words, text, rest.start, rest.end, escape)
	if len(words) == 0 {
		return list, words
	}
	if strings.IndexByte(words[0].text, '=') < 0 {
		end := wordEnd(text, rest.start, rest.end)
		value := skipBlanks(text, end, rest.end)
		old := pair{name: cut(text, rest.start, end)}
		if value > end {
			old.value, old.sep = cut(text, value, rest.end), ' '
		}
		return append(list, old), words
	}
	return appendPairs(list, words), words
}

// appendPairs splits words around their first "=".
func appendPairs(list []pair, words []word) []pair {
	for _, w := range words {
		x := pair{}
		var ok bool
		if x.name, x.value, ok = w.cutEquals(); ok {
			x.sep = '='
		}
		list = append(list, x)
	}
	return list
}

// keyValues builds ENV and LABEL.
func (p *parser) keyValues(in *instruction) *irv1.Pairs {
	p.pairList, p.scratch = in.pairs(p.pairList[:0], p.scratch[:0], p.escape)
	if len(p.pairList) == 0 {
		p.missing(in, "name=value")
		return nil
	}
	if first := p.pairList[0]; len(p.pairList) == 1 && first.sep == 0 && p.lexes(first.name) {
		p.fault(missingArgument, first.name.span, in.spec.name+" "+quote(first.name.text)+" has no value").Help =
			"write " + in.spec.name + " name=value"
		return nil
	}
	list := make([]*irv1.Pair, 0, len(p.pairList))
	for _, x := range p.pairList {
		switch {
		case x.sep == 0 && p.checkExpansion(x.name) != nil:
			continue
		case x.sep == 0:
			p.fault(missingEquals, x.name.span, quote(x.name.text)+` has no "="`).Help =
				"write name=value, and put quotes around a value that holds blanks"
			continue
		case x.name.text == "":
			p.fault(emptyName, span{x.name.start, x.value.end}, `nothing stands before the "="`)
			continue
		case x.sep == ' ':
			p.legacyPair(in, x)
		}
		list = append(list, p.pair(x, p.pairSymbol(in)))
	}
	if len(list) == 0 {
		return nil
	}
	return &irv1.Pairs{Pairs: list}
}

// pairSymbol returns what the names of an instruction are, or 0.
func (p *parser) pairSymbol(in *instruction) frontendv1.SymbolKind {
	switch {
	case p.inTrigger:
		return 0
	case in.spec == env:
		return symbolEnv
	case in.spec == arg:
		return symbolArg
	}
	return 0
}

// legacyPair warns of the form without "=".
func (p *parser) legacyPair(in *instruction, x pair) {
	d := p.fault(legacyKeyValueFormat, in.rest, in.spec.name+" without \"=\" is the old form")
	d.Help = "write " + in.spec.name + " " + shortened(x.name.text) + "=value"
	if plainValue(x.value.text) {
		at := p.line.source(x.name.end, x.value.start)
		d.Fixes = append(d.Fixes, p.replace(`put "=" between name and value`, at, "="))
	}
}

// plainValue reports whether a value of the old form means the same in the new
// one.
func plainValue(s string) bool { return !strings.ContainsAny(s, " \t\v\f\r'\"\\`#") }

// shortened returns s if it is short enough to be repeated in a message.
func shortened(s string) string {
	if len(s) > maxQuoted || !utf8.ValidString(s) {
		return "name"
	}
	return s
}

// pair builds one pair, and notes the name as a symbol unless kind is 0.
func (p *parser) pair(x pair, kind frontendv1.SymbolKind) *irv1.Pair {
	node := &irv1.Pair{Key: p.expanded(x.name)}
	if x.sep != 0 {
		if x.sep == '=' {
			p.tokens.text(p.line, tokenOperator, span{x.name.end, x.value.start})
		}
		node.Value = p.expanded(x.value)
	}
	if kind != 0 && !strings.ContainsAny(x.name.text, "$'\"") {
		p.symbols.define(kind, x.name.text, p.line.source(x.name.start, x.name.end))
	}
	return node
}

// args builds ARG.
func (p *parser) args(in *instruction) *irv1.Pairs {
	p.scratch = quotedFields(p.scratch[:0], in.line.text, in.rest.start, in.rest.end, p.escape)
	if len(p.scratch) == 0 {
		p.missing(in, "a name")
		return nil
	}
	p.pairList = appendPairs(p.pairList[:0], p.scratch)
	list := make([]*irv1.Pair, 0, len(p.pairList))
	for _, x := range p.pairList {
		if x.name.text == "" {
			p.fault(emptyName, span{x.name.start, x.value.end}, `nothing stands before the "="`)
			continue
		}
		list = append(list, p.pair(x, p.pairSymbol(in)))
	}
	if len(list) == 0 {
		return nil
	}
	return &irv1.Pairs{Pairs: list}
}
