// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// keyword begins a line.
type keyword struct {
	name, needs string
	least, most int // how many words follow it
	read        func(*parser, *line)
}

const many = 1 << 30

var keywords = [...]keyword{
	{"from", "an image", 1, 1, (*parser).from},
	{"copy", "a source and a destination", 2, many, (*parser).copy},
	{"run", "a command", 1, many, (*parser).run},
	{"env", "NAME=VALUE", 1, many, (*parser).env},
	{"start", "a program", 1, many, (*parser).start},
}

// span is where something begins and ends in the file, in bytes.
type span struct{ start, end int }

// line is a line of the file that is not empty.
type line struct {
	keyword span
	words   []span // the others
	whole   span
	comment string
}

// rest are all words but the keyword, and the space between them.
func (l *line) rest() span { return span{l.words[0].start, l.whole.end} }

// parser is what is known of a file while its lines are read.
type parser struct {
	src     string
	at      *diag.Mapper
	asked   bool // for tokens and symbols
	res     *frontendv1.ParseResponse
	names   map[string]*frontendv1.Symbol
	comment []string      // the comment lines directly above
	began   *diagv1.Range // where the first "from" is
	early   bool          // something stands before it
	stage   *irv1.Stage   // nil until there is one
}

// Parse says what a Layerfile means. A mistake costs the line it is in.
func Parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	p := &parser{
		src: string(r.GetContent()), at: diag.NewMapper(r.GetContent()), asked: r.GetTokens(),
		res: &frontendv1.ParseResponse{}, names: map[string]*frontendv1.Symbol{},
	}
	const bom = "\ufeff"
	start := len(p.src) - len(strings.TrimPrefix(p.src, bom))
	for text := range strings.Lines(p.src[start:]) {
		p.line(start, strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"))
		start += len(text)
	}
	if p.began == nil && len(p.res.Diagnostics) == 0 {
		p.report(span{}, "no-image", "there is no from", "begin with the image: from debian:12")
	}
	if p.stage != nil {
		p.res.Build = &irv1.Build{Files: []string{r.GetName()}, Kind: &irv1.Build_Container{
			Container: &irv1.Container{Escape: `\`, Stages: []*irv1.Stage{p.stage}},
		}}
	}
	return p.res
}

// line reads one line, which begins at an offset.
func (p *parser) line(start int, text string) {
	if bad := firstInvalid(text); bad < len(text) {
		p.report(span{start + bad, start + bad + 1}, "not-utf8", "this byte is not UTF-8", "save the file as UTF-8")
		return
	}
	words := split(start, text)
	if len(words) == 0 {
		p.comment = nil
		return
	}
	l := &line{keyword: words[0], words: words[1:], whole: span{words[0].start, words[len(words)-1].end}}
	if p.src[l.whole.start] == '#' {
		p.token(frontendv1.TokenKind_TOKEN_KIND_COMMENT, l.whole)
		p.comment = append(p.comment, strings.Trim(p.text(l.whole)[1:], space))
		return
	}
	l.comment, p.comment = strings.Join(p.comment, "\n"), nil
	k := find(p.text(l.keyword))
	if k == nil {
		p.unknown(l.keyword)
		return
	}
	p.token(frontendv1.TokenKind_TOKEN_KIND_KEYWORD, l.keyword)
	if p.placed(k, l) && p.counted(k, l) {
		k.read(p, l)
	}
}

// unknown reports a keyword that there is not.
func (p *parser) unknown(at span) {
	const code, message = "unknown-keyword", "this is no keyword of a Layerfile"
	var names []string
	for _, k := range keywords {
		names = append(names, k.name)
	}
	meant := diag.Suggest(p.text(at), names)
	if meant == "" {
		p.report(at, code, message, "there are from, copy, run, env and start")
		return
	}
	d := p.report(at, code, message, "did you mean "+meant+"?")
	d.Fixes = []*diagv1.Fix{{Title: "write " + meant, Edits: []*diagv1.Edit{{Range: p.rng(at), NewText: meant}}}}
}

// placed looks whether a line stands where it may. What comes before "from" is
// still looked at.
func (p *parser) placed(k *keyword, l *line) bool {
	switch isFrom := k.name == "from"; {
	case isFrom && p.began == nil:
		p.began = p.rng(l.keyword)
	case isFrom:
		d := p.report(l.keyword, "second-from", "a Layerfile has one from", "remove it")
		d.Related = []*diagv1.Related{{Range: p.began, Message: "the first one"}}
		return false
	case p.began == nil && !p.early:
		p.early = true
		p.report(l.keyword, "from-first", "this stands before from", "begin with the image: from debian:12")
	}
	return true
}

// counted looks whether a line has as many words as it must.
func (p *parser) counted(k *keyword, l *line) bool {
	switch n := len(l.words); {
	case n < k.least:
		p.report(l.keyword, "missing-argument", k.name+" needs "+k.needs, "")
		return false
	case n > k.most:
		p.report(span{l.words[k.most].start, l.whole.end}, "extra-argument", k.name+" needs "+k.needs+" and no more", "remove it")
		return false
	}
	return true
}

func (p *parser) from(l *line) {
	image := l.words[0]
	p.token(frontendv1.TokenKind_TOKEN_KIND_STRING, image)
	if name := p.text(image); p.asked && name != "scratch" {
		p.res.Symbols = append(p.res.Symbols, &frontendv1.Symbol{
			Kind: frontendv1.SymbolKind_SYMBOL_KIND_IMAGE, Name: name, References: []*diagv1.Range{p.rng(image)},
		})
	}
	p.stage = &irv1.Stage{Base: p.word(image, true), Range: p.rng(l.whole), Text: p.text(l.whole), Comment: l.comment}
}

func (p *parser) copy(l *line) {
	words := p.wordsOf(l, true)
	last := len(words) - 1
	p.step(l, &irv1.Step{Op: &irv1.Step_Copy{Copy: &irv1.Copy{Sources: words[:last], Destination: words[last]}}})
}

func (p *parser) run(l *line) {
	p.token(frontendv1.TokenKind_TOKEN_KIND_STRING, l.rest())
	command := &irv1.Command{Shell: true, Words: []*irv1.Word{p.word(l.rest(), false)}}
	p.step(l, &irv1.Step{Op: &irv1.Step_Run{Run: &irv1.Run{Command: command}}})
}

func (p *parser) start(l *line) {
	p.step(l, &irv1.Step{Op: &irv1.Step_Cmd{Cmd: &irv1.Command{Words: p.wordsOf(l, false)}}})
}

func (p *parser) env(l *line) {
	rest := l.rest()
	equals := rest.start + strings.IndexByte(p.text(rest), '=')
	if equals <= rest.start {
		p.report(l.keyword, "missing-argument", "env needs NAME=VALUE", "")
		return
	}
	name, value := span{rest.start, equals}, span{equals + 1, rest.end}
	if !isName(p.text(name)) {
		p.report(name, "invalid-variable", "this is no name of a variable", "use letters, digits and _, and begin with no digit")
		return
	}
	p.token(frontendv1.TokenKind_TOKEN_KIND_STRING, name)
	p.token(frontendv1.TokenKind_TOKEN_KIND_OPERATOR, span{equals, equals + 1})
	p.token(frontendv1.TokenKind_TOKEN_KIND_STRING, value)
	p.variable(name)
	pairs := []*irv1.Pair{{Key: p.word(name, false), Value: p.word(value, true)}}
	p.step(l, &irv1.Step{Op: &irv1.Step_Env{Env: &irv1.Pairs{Pairs: pairs}}})
}

// step adds a step to the stage, if there is one.
func (p *parser) step(l *line, s *irv1.Step) {
	if p.stage == nil {
		return
	}
	s.Range, s.Text, s.Comment = p.rng(l.whole), p.text(l.whole), l.comment
	p.stage.Steps = append(p.stage.Steps, s)
}

// variable notes a place where a variable is set.
func (p *parser) variable(at span) {
	if !p.asked {
		return
	}
	if s := p.names[p.text(at)]; s != nil {
		s.References = append(s.References, p.rng(at))
		return
	}
	s := &frontendv1.Symbol{Kind: frontendv1.SymbolKind_SYMBOL_KIND_ENV, Name: p.text(at), Definition: p.rng(at)}
	p.names[s.Name] = s
	p.res.Symbols = append(p.res.Symbols, s)
}
