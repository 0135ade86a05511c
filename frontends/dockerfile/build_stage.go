// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// from begins a stage. A broken FROM begins one too, so that what follows is
// not reported for standing before any. ok is false when its flags have no end.
func (p *parser) from(in *instruction, ok bool) {
	l := in.line
	at := l.source(in.name.start, in.name.end)
	p.lint.hadFrom, p.lint.afterRun = true, false
	p.lint.keywords = append(p.lint.keywords, at)
	p.lint.last = [3]tracked{}
	p.stage = &irv1.Stage{
		Base:     &irv1.Word{Range: p.rangeOf(span{in.end, in.end})},
		Platform: p.platform(),
		Range:    p.rangeOf(span{at.start, in.end}),
		Text:     joined(l, in.name.start, in.rest.end),
		Comment:  p.commentText(l.comments),
	}
	shell := false
	if ok {
		shell = p.stageArgs(in)
	}
	p.container.Stages = append(p.container.Stages, p.stage)
	p.lint.shells = append(p.lint.shells, shell)
}

// stageArgs reads the arguments of FROM. It reports whether the stage starts
// from one with a SHELL.
func (p *parser) stageArgs(in *instruction) (shell bool) {
	p.scratch = fields(p.scratch[:0], in.line.text, in.rest.start, in.rest.end)
	args := p.scratch
	if len(args) == 0 {
		p.fault(missingArgument, in.name.span, "FROM needs an image to start from").Help = "to start from nothing write FROM scratch"
		return false
	}
	p.stage.Base = p.expanded(args[0])
	shell = p.useBase(args[0])
	p.stageName(in, args[1:])
	return shell
}

// useBase notes what the stage starts from, and reports whether that is a
// stage with a SHELL.
func (p *parser) useBase(base word) (shell bool) {
	at := p.line.source(base.start, base.end)
	if s, ok := p.lint.stages[lower(base.text)]; ok {
		p.symbols.use(symbolStage, lower(base.text), at)
		return p.lint.shells[s.index]
	}
	if base.text != "scratch" && !hasVariable(base.text) {
		p.symbols.use(symbolImage, base.text, at)
	}
	return false
}

// stageName reads "AS name".
func (p *parser) stageName(in *instruction, args []word) {
	if len(args) == 0 {
		return
	}
	as := args[0]
	if !equalFold(as.text, "AS") {
		p.fault(unexpectedArgument, span{as.start, in.rest.end}, "FROM takes one image, and then only AS and a name").Help =
			"write FROM image or FROM image AS name"
		return
	}
	p.tokens.text(p.line, tokenKeyword, as.span)
	if len(args) == 1 {
		p.fault(missingArgument, as.span, "AS needs the name of the stage")
		return
	}
	name := args[1]
	p.stage.Name = p.literal(name)
	p.checkAsCasing(in.name.text, as)
	if len(args) > 2 {
		p.fault(unexpectedArgument, span{args[2].start, in.rest.end}, "nothing may follow the name of the stage")
	}
	p.defineStage(name)
}

// checkAsCasing compares the case of AS with that of FROM.
func (p *parser) checkAsCasing(keyword string, as word) {
	want := as.text
	switch keyword {
	case upper(keyword):
		want = upper(as.text)
	case lower(keyword):
		want = lower(as.text)
	}
	if want != as.text {
		d := p.fault(fromAsCasing, as.span, quote(as.text)+" and "+quote(keyword)+" differ in case")
		d.Fixes = append(d.Fixes, p.replace("change "+as.text+" to "+want, p.line.source(as.start, as.end), want))
	}
}

// defineStage checks the name of the stage and makes it known.
func (p *parser) defineStage(name word) {
	key := lower(name.text)
	at := p.line.source(name.start, name.end)
	if !isStageName(key) {
		p.report(invalidStageName, at, "a stage cannot be called "+quote(name.text)).Help =
			"names begin with a letter and consist of letters, digits, \"-\", \"_\" and \".\""
		return
	}
	if key != name.text {
		d := p.report(stageNameCasing, at, "the stage name "+quote(name.text)+" should be lower case")
		d.Fixes = append(d.Fixes, p.replace("change "+name.text+" to "+key, at, key))
	}
	if key == "scratch" || key == "context" {
		p.report(reservedStageName, at, quote(key)+" means something else and should not be the name of a stage")
	}
	p.symbols.define(symbolStage, key, at)
	if first, ok := p.lint.stages[key]; ok {
		d := p.report(duplicateStageName, at, "there is another stage "+quote(key))
		d.Related = append(d.Related, &diagv1.Related{Range: p.rangeOf(first.at), Message: "first defined here"})
		return
	}
	if p.lint.stages == nil {
		p.lint.stages = map[string]namedStage{}
	}
	p.lint.stages[key] = namedStage{len(p.container.Stages), at}
}

// isStageName reports whether s, in lower case, can name a stage.
func isStageName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isLetter(c) && (i == 0 || !isDigit(c) && c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return s != ""
}

// platform returns the value of FROM --platform.
func (p *parser) platform() *irv1.Word {
	f := p.flag("platform")
	if f == nil {
		return nil
	}
	if v := f.value.text; v == "$TARGETPLATFORM" || v == "${TARGETPLATFORM}" {
		d := p.fault(redundantTargetPlatform, f.whole.span, "the target platform is the default")
		d.Tags = append(d.Tags, diagv1.Tag_TAG_UNNECESSARY)
	}
	return p.expandedValue("platform", invalidPlatform, wrongPlatform)
}
