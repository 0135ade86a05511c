// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// one returns the only argument: the whole rest, white space included.
func (p *parser) one(in *instruction, what string, node func(*parser, word) *irv1.Word) *irv1.Word {
	if in.rest.start == in.rest.end {
		p.missing(in, what)
		return nil
	}
	return node(p, cut(in.line.text, in.rest.start, in.rest.end))
}

func (p *parser) maintainer(in *instruction) *irv1.Word {
	d := p.fault(maintainerDeprecated, in.name.span, "MAINTAINER is deprecated")
	d.Help = "use LABEL org.opencontainers.image.authors=..."
	d.Tags = append(d.Tags, diagv1.Tag_TAG_DEPRECATED)
	return p.one(in, "a name", (*parser).literal)
}

func (p *parser) stopsignal(in *instruction) *irv1.Word {
	w := p.one(in, "a signal", (*parser).expanded)
	if w != nil && !strings.ContainsAny(w.Text, "$'\"\\`") && !isSignal(w.Text) {
		d := p.fault(invalidSignal, in.rest, "there is no signal "+quote(w.Text))
		p.meant(d, cut(in.line.text, in.rest.start, in.rest.end), signalNames(), "")
	}
	return w
}

func (p *parser) expose(in *instruction) *irv1.Words {
	p.scratch = fields(p.scratch[:0], in.line.text, in.rest.start, in.rest.end)
	if len(p.scratch) == 0 {
		p.missing(in, "a port")
		return nil
	}
	list := make([]*irv1.Word, len(p.scratch))
	for i, w := range p.scratch {
		if isNumber(w.text) {
			p.tokens.text(in.line, tokenNumber, w.span)
			list[i] = p.word(w)
		} else {
			list[i] = p.expanded(w)
		}
		if !strings.ContainsAny(w.text, "$'\"\\`") {
			p.checkPort(w)
		}
	}
	return &irv1.Words{Words: list}
}

// checkPort checks [[ip:]host:]port[-port][/protocol].
func (p *parser) checkPort(w word) {
	spec := parsePort(w.text)
	switch {
	case spec.wrong != "":
		p.fault(invalidPort, w.span, "the port "+quote(w.text)+" "+spec.wrong)
	case spec.host:
		p.fault(exposeInvalidFormat, w.span, "EXPOSE takes no IP address or host port: "+quote(w.text)).Help =
			"which host port is used is said when the container starts"
	case spec.protocol != lower(spec.protocol):
		at := w.part(len(w.text)-len(spec.protocol), len(w.text))
		d := p.fault(exposeProtoCasing, at.span, "the protocol "+quote(spec.protocol)+" should be lower case")
		d.Fixes = append(d.Fixes, p.replace("change "+spec.protocol+" to "+lower(spec.protocol),
			p.line.source(at.start, at.end), lower(spec.protocol)))
	}
}

func (p *parser) volume(in *instruction) *irv1.Words {
	list := in.strings
	switch in.json {
	case jsonOther:
		p.jsonFault(in.rest)
		return nil
	case notJSON:
		p.scratch = fields(p.scratch[:0], in.line.text, in.rest.start, in.rest.end)
		list = p.scratch
	default:
	}
	if len(list) == 0 {
		p.missing(in, "a path")
		return nil
	}
	for _, w := range list {
		if trimmed(w.text) == "" {
			p.fault(emptyArgument, w.span, "the path of a volume is empty")
		}
	}
	if in.json == jsonArray {
		return &irv1.Words{Words: p.strings(in, in.rest, (*parser).expanded)}
	}
	if words := p.plainWords(in, list); words != nil {
		return &irv1.Words{Words: words}
	}
	return nil
}

// onbuild builds the instruction inside an ONBUILD.
func (p *parser) onbuild(in *instruction) *irv1.Step {
	t := in.trigger
	switch {
	case t == nil:
		p.missing(in, "an instruction")
		return nil
	case t.spec == nil:
		p.unknown(t)
		return nil
	case t.spec == from, t.spec == maintainer, t.spec == onbuild:
		p.fault(invalidOnbuild, t.name.span, "ONBUILD cannot hold "+t.spec.name)
		return nil
	}
	if !p.readFlags(t) {
		return nil
	}
	s := p.newStep(t)
	s.Comment = ""
	// The text of a trigger is parsed again, so it is exact.
	s.Text = t.text(p.src, t.line.text[t.name.start:t.rest.end])
	p.inTrigger = true
	defer func() { p.inTrigger = false }()
	if !p.op(t, s) {
		return nil
	}
	return s
}

// unknown reports a line that begins with no instruction.
func (p *parser) unknown(in *instruction) {
	d := p.fault(unknownInstruction, in.name.span, "unknown instruction "+quote(in.name.text))
	if p.meant(d, in.name, instructionNames(), "") {
		if name, _ := suggest(in.name.text, instructionNames()); lookup(name) == from {
			p.assumeFrom()
		}
		return
	}
	d.Help = p.unknownHelp(in)
}

// assumeFrom takes a misspelled FROM for one, so that the lines below are not
// reported as well.
func (p *parser) assumeFrom() {
	p.lint.hadFrom = true
	if p.stage == nil {
		p.stage = &irv1.Stage{}
	}
}

// unknownHelp guesses why a line begins with something else.
func (p *parser) unknownHelp(in *instruction) string {
	name := in.name.text
	for i := range len(name) {
		if !isLetter(name[i]) {
			if lookup(name[:i]) != nil {
				return "put a blank after " + upper(name[:i])
			}
			break
		}
	}
	if p.lint.afterRun {
		return "if it belongs to the line above, end that line with " + string(rune(p.escape))
	}
	return ""
}
