// SPDX-License-Identifier: Apache-2.0

// Package dockerfile is the frontend for Dockerfiles: it turns their text into
// source Build IR, diagnostics, symbols and tokens, all with exact ranges.
//
// It knows the syntax of BuildKit 0.34 and reads it as BuildKit does; the few
// places where it deliberately does not are listed, each with its reason, in
// oracle_diff_test.go. After a mistake it goes on with the next line, so that
// one mistake is one diagnostic. All of it takes time in proportion to the
// size of the file, whatever is in there.
//
// The work goes in four steps: a scanner joins the source lines of an
// instruction (scan.go, heredoc.go), split takes its keyword, flags and
// arguments apart (split.go), a builder for each instruction makes IR of them
// (build_*.go), and lint looks at what concerns several of them (lint.go).
package dockerfile

import (
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

var _ frontend.Frontend = frontend.Func(Parse)

// Parse says what a Dockerfile means. It implements frontend.Frontend through
// frontend.Func, and needs nothing but the file.
func Parse(r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	p := newParser(r)
	if p.isText() {
		p.directives()
		p.file()
	}
	p.build.Features = ir.SourceFeatures(p.build)
	diag.Sort(p.found)
	return &frontendv1.ParseResponse{
		Build:       p.build,
		Diagnostics: p.found,
		Symbols:     p.symbols.list(p),
		Tokens:      p.tokens.list(p),
	}
}

// A parser holds what is known while a file is read.
type parser struct {
	scanner
	mapper    *diag.Mapper
	build     *irv1.Build
	container *irv1.Container
	found     []*diagv1.Diagnostic
	utf8      bool // the whole file is UTF-8
	check     checkConfig
	// skipHere is check with what the comments above the current instruction
	// add to it.
	skipHere checkConfig

	line     *line // the current one
	stage    *irv1.Stage
	flags    []flag // those of the current instruction
	scratch  []word
	pairList []pair
	// inTrigger says that the instruction is inside an ONBUILD.
	inTrigger bool
	lint      lint
	symbols   *symbols

	words  slab[irv1.Word]
	ranges slab[diagv1.Range]
	steps  slab[irv1.Step]
}

func newParser(r *frontendv1.ParseRequest) *parser {
	p := &parser{mapper: diag.NewMapper(r.GetContent())}
	p.src = string(r.GetContent())
	p.escape = '\\'
	p.utf8 = utf8.ValidString(p.src)
	p.container = &irv1.Container{Escape: `\`}
	p.build = &irv1.Build{Files: []string{r.GetName()}, Kind: &irv1.Build_Container{Container: p.container}}
	if r.GetTokens() {
		p.tokens, p.symbols = &tokens{}, newSymbols()
	}
	return p
}

// isText refuses what is no text at all, and files of other frontends.
func (p *parser) isText() bool {
	if i := strings.IndexByte(p.src, 0); i >= 0 {
		d := p.report(binaryFile, span{i, i + 1}, "the file is binary: it holds a NUL byte")
		if strings.HasPrefix(p.src, "\xff\xfe") || strings.HasPrefix(p.src, "\xfe\xff") {
			d.Message = "the file is UTF-16"
			d.Help = "save it as UTF-8"
		}
		return false
	}
	if first := trimmed(strings.TrimPrefix(p.src, bom)); strings.HasPrefix(first, "{") {
		if id, ok := DetectSyntax([]byte(p.src)); ok {
			p.report(foreignSyntax, span{}, "the file is no Dockerfile but JSON for the frontend "+quote(id))
			return false
		}
	}
	return true
}

// file reads all instructions.
func (p *parser) file() {
	p.container.Escape = string(rune(p.escape))
	for {
		p.skipHere = p.check
		l := p.next()
		if l == nil {
			break
		}
		p.line = l
		p.lineCheck(l.comments)
		p.instruction(l)
	}
	p.skipHere = p.check
	p.finish()
}

// instruction reads one instruction, here-documents included.
func (p *parser) instruction(l *line) {
	in := split(l, 0, p.escape, 0)
	p.lint.begin(in)
	p.blankLines(l)
	p.readBodies(in)
	if !p.utf8 && !p.checkUTF8(in) {
		return
	}
	p.tokens.keyword(in)
	if in.name.text == "" {
		p.report(emptyInstruction, span{l.start, l.end}, "the line continuation continues nothing")
		return
	}
	if in.spec == nil {
		p.unknown(in)
		return
	}
	ok := p.readFlags(in)
	if in.spec == from {
		p.from(in, ok)
		return
	}
	p.lint.step(p, in)
	if ok {
		p.step(in)
	}
}

// step builds one instruction and puts it where it belongs.
func (p *parser) step(in *instruction) {
	s := p.newStep(in)
	if !p.op(in, s) {
		return
	}
	p.lint.built(p, in)
	if p.stage != nil {
		p.stage.Steps = append(p.stage.Steps, s)
	} else if in.spec == arg {
		p.container.Args = append(p.container.Args, s)
	}
}

// finish says what is only known at the end of the file.
func (p *parser) finish() {
	p.warnMisplaced()
	p.checkReferences()
	p.lint.finish(p)
	switch {
	case !p.lint.any:
		p.report(emptyFile, span{}, "the file has no instruction").Help = "begin with FROM"
	case !p.lint.hadFrom:
		p.report(noFrom, p.lint.early, "no FROM begins a stage").Help = "name the image to start from: FROM image, or FROM scratch"
	case p.lint.beforeFrom:
		p.report(beforeFrom, p.lint.early, "only ARG may stand before the first FROM")
	}
}
