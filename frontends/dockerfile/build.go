// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// op builds what an instruction does into s. It reports whether there is
// anything. It is the table of the builders, and long for that.
func (p *parser) op(in *instruction, s *irv1.Step) bool {
	switch in.spec {
	case run:
		if x := p.run(in); x != nil {
			s.Op = &irv1.Step_Run{Run: x}
		}
	case copyFile:
		if x := p.copy(in); x != nil {
			s.Op = &irv1.Step_Copy{Copy: x}
		}
	case add:
		if x := p.copy(in); x != nil {
			s.Op = &irv1.Step_Add{Add: x}
		}
	case env:
		if x := p.keyValues(in); x != nil {
			s.Op = &irv1.Step_Env{Env: x}
		}
	case label:
		if x := p.keyValues(in); x != nil {
			s.Op = &irv1.Step_Label{Label: x}
		}
	case arg:
		if x := p.args(in); x != nil {
			s.Op = &irv1.Step_Arg{Arg: x}
		}
	case workdir:
		if x := p.one(in, "a path", (*parser).expanded); x != nil {
			s.Op = &irv1.Step_Workdir{Workdir: x}
		}
	case user:
		if x := p.one(in, "a user", (*parser).expanded); x != nil {
			s.Op = &irv1.Step_User{User: x}
		}
	case stopsignal:
		if x := p.stopsignal(in); x != nil {
			s.Op = &irv1.Step_Stopsignal{Stopsignal: x}
		}
	case maintainer:
		if x := p.maintainer(in); x != nil {
			s.Op = &irv1.Step_Maintainer{Maintainer: x}
		}
	case expose:
		if x := p.expose(in); x != nil {
			s.Op = &irv1.Step_Expose{Expose: x}
		}
	case volume:
		if x := p.volume(in); x != nil {
			s.Op = &irv1.Step_Volume{Volume: x}
		}
	case cmd:
		if x := p.defaultCommand(in); x != nil {
			s.Op = &irv1.Step_Cmd{Cmd: x}
		}
	case entrypoint:
		if x := p.defaultCommand(in); x != nil {
			s.Op = &irv1.Step_Entrypoint{Entrypoint: x}
		}
	case shell:
		if x := p.shell(in); x != nil {
			s.Op = &irv1.Step_Shell{Shell: x}
		}
	case healthcheck:
		if x := p.healthcheck(in); x != nil {
			s.Op = &irv1.Step_Healthcheck{Healthcheck: x}
		}
	case onbuild:
		if x := p.onbuild(in); x != nil {
			s.Op = &irv1.Step_Onbuild{Onbuild: x}
		}
	}
	return s.Op != nil
}

// readBodies finds the here-documents of an instruction and reads their
// bodies.
func (p *parser) readBodies(in *instruction) {
	inner := in.takesHeredocs()
	unknown := in.spec == nil && meansHeredocs(in.name.text)
	if inner == nil && !unknown {
		return
	}
	list := findHeredocs(in.line.text)
	if len(list) == 0 {
		return
	}
	before := p.pos
	if broken := p.readHeredocs(list); broken >= 0 {
		if unknown {
			p.pos = before
			return
		}
		d := p.fault(unterminatedHeredoc, list[broken].word, "no line ends this here-document")
		d.Help = "add a line with only " + shortened(list[broken].name)
		list = list[:broken]
	}
	if unknown || len(list) == 0 {
		return // the body of a misspelled RUN is no list of instructions
	}
	in.heredocs, inner.heredocs = list, list
	in.end = list[len(list)-1].closer.end
	inner.end = in.end
	for i := range list {
		p.bodyTokens(in, &list[i])
	}
}

// meansHeredocs reports whether a misspelled instruction is one that takes
// here-documents.
func meansHeredocs(name string) bool {
	meant, _ := suggest(name, instructionNames())
	s := lookup(meant)
	return s != nil && s.heredocs
}

func (p *parser) bodyTokens(in *instruction, h *heredoc) {
	p.tokens.text(in.line, tokenHeredoc, h.word)
	p.tokens.add(tokenString, h.body)
	p.tokens.add(tokenHeredoc, h.closer)
}

// blankLines warns of blank lines inside an instruction.
func (p *parser) blankLines(l *line) {
	if len(l.blanks) == 0 {
		return
	}
	d := p.report(emptyContinuation, l.blanks[0], "a blank line stands inside an instruction")
	d.Help = "remove it, or make it a comment"
	fix := &diagv1.Fix{Title: "remove the blank lines"}
	for i := 0; i < len(l.blanks); {
		at := l.blanks[i]
		for i++; i < len(l.blanks) && l.blanks[i].start == at.end; i++ {
			at.end = l.blanks[i].end
		}
		fix.Edits = append(fix.Edits, &diagv1.Edit{Range: p.rangeOf(at)})
	}
	d.Fixes = append(d.Fixes, fix)
}

// checkUTF8 reports the first byte of an instruction that is not UTF-8. Such
// text cannot be in the IR.
func (p *parser) checkUTF8(in *instruction) bool {
	bad := func(s string, at func(int) int) bool {
		for i := 0; i < len(s); {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				p.report(notUTF8, span{at(i), at(i) + 1}, "this byte is not UTF-8").Help = "save the file as UTF-8"
				return true
			}
			i += size
		}
		return false
	}
	if bad(in.line.text, in.line.at) {
		return false
	}
	for _, h := range in.heredocs {
		if bad(p.src[h.body.start:h.body.end], func(i int) int { return h.body.start + i }) {
			return false
		}
	}
	return true
}
