// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strconv"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// lint keeps what concerns more than one instruction.
type lint struct {
	any        bool // there is an instruction
	hadFrom    bool // there is a FROM, though it may be broken
	beforeFrom bool // an instruction other than ARG stands before it
	early      span // the first of those, else the first instruction
	afterRun   bool // the instruction before is a RUN

	stages map[string]namedStage // by name in lower case
	// shells says for each stage whether it or one it starts from has a SHELL.
	shells []bool
	// last holds the last CMD, ENTRYPOINT and HEALTHCHECK of the stage.
	last [3]tracked
	// keywords are those of all instructions in stages.
	keywords []span
	uses     []stageUse
}

type namedStage struct {
	index int
	at    span // the name
}

// tracked is an instruction of which the last one of a stage counts.
type tracked struct {
	at   span
	skip checkConfig
}

// stageUse is a --from or from= that may name a stage.
type stageUse struct {
	stage  int // that uses it
	name   string
	at     span
	number bool // a number stands for a stage
}

// begin notes an instruction, known or not.
func (x *lint) begin(in *instruction) {
	if !x.any {
		x.any = true
		x.early = in.line.source(in.name.start, in.name.end)
	}
}

// step notes an instruction other than FROM.
func (x *lint) step(p *parser, in *instruction) {
	at := in.line.source(in.name.start, in.name.end)
	x.afterRun = in.spec == run && in.json == notJSON
	if p.stage == nil {
		if in.spec != arg && !x.beforeFrom {
			x.beforeFrom, x.early = true, at
		}
		return
	}
	x.keywords = append(x.keywords, at)
}

// built notes an instruction that is in the IR.
func (x *lint) built(p *parser, in *instruction) {
	if p.stage == nil {
		return
	}
	for i, s := range [...]*spec{cmd, entrypoint, healthcheck} {
		if s == in.spec {
			x.count(p, &x.last[i], s.name, in.line.source(in.name.start, in.name.end))
		}
	}
}

// count reports the instruction before when this is not the first of its kind.
func (x *lint) count(p *parser, t *tracked, name string, at span) {
	if t.at.end > 0 {
		here := p.skipHere
		p.skipHere = t.skip
		d := p.report(multipleInstructions, t.at, "this "+name+" has no effect: only the last one of a stage counts")
		d.Related = append(d.Related, &diagv1.Related{Range: p.rangeOf(at), Message: "this one counts"})
		d.Tags = append(d.Tags, diagv1.Tag_TAG_UNNECESSARY)
		p.skipHere = here
	}
	*t = tracked{at, p.skipHere}
}

// hasShell reports whether the current stage is known to have a SHELL.
func (x *lint) hasShell() bool { return len(x.shells) > 0 && x.shells[len(x.shells)-1] }

// setShell notes a SHELL.
func (x *lint) setShell() {
	if len(x.shells) > 0 {
		x.shells[len(x.shells)-1] = true
	}
}

// finish reports keywords whose case differs from that of the most.
func (x *lint) finish(p *parser) {
	lowers, uppers := 0, 0
	for _, at := range x.keywords {
		switch name := p.src[at.start:at.end]; name {
		case lower(name):
			lowers++
		case upper(name):
			uppers++
		}
	}
	for _, at := range x.keywords {
		name := p.src[at.start:at.end]
		want, casing := upper(name), "upper"
		if lowers > uppers {
			want, casing = lower(name), "lower"
		}
		if name != want {
			d := p.report(consistentCasing, at, quote(name)+" should be "+casing+" case like the other instructions")
			d.Fixes = append(d.Fixes, p.replace("change "+name+" to "+want, at, want))
		}
	}
}

// checkReferences looks up what --from and from= name, now that all stages are
// known.
func (p *parser) checkReferences() {
	for _, u := range p.lint.uses {
		if u.number && isNumber(u.name) {
			p.checkStageNumber(u)
			continue
		}
		s, ok := p.lint.stages[lower(u.name)]
		switch {
		case !ok:
			p.symbols.use(symbolImage, u.name, u.at)
			continue
		case s.index == u.stage:
			p.report(stageCycle, u.at, "stage "+quote(u.name)+" cannot take files from itself")
		case s.index > u.stage:
			d := p.report(forwardStage, u.at, "stage "+quote(u.name)+" is defined further down")
			d.Help = "move that stage up"
			d.Related = append(d.Related, &diagv1.Related{Range: p.rangeOf(s.at), Message: "defined here"})
		}
		p.symbols.use(symbolStage, lower(u.name), u.at)
	}
}

func (p *parser) checkStageNumber(u stageUse) {
	count := len(p.lint.shells)
	n, err := strconv.Atoi(u.name)
	switch {
	case err != nil || n >= count:
		p.report(unknownStage, u.at, "there is no stage "+quote(u.name)).Help =
			"the first stage is 0, and the last " + strconv.Itoa(count-1)
	case n == u.stage:
		p.report(stageCycle, u.at, "stage "+u.name+" cannot take files from itself")
	case n > u.stage:
		p.report(forwardStage, u.at, "stage "+u.name+" is further down").Help = "move that stage up"
	}
}
