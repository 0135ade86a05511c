// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// stageNames remembers and checks the names of stages: Dockerfile's rules, case
// does not matter.
func (p *parser) stageNames(entries []*field) {
	p.stageAt = make(map[string]int, len(entries))
	for i, x := range entries {
		p.stageKeys = append(p.stageKeys, x.key)
		name := strings.ToLower(x.name())
		if first, ok := p.stageAt[name]; ok {
			d := p.error(x.key.span, "duplicate-stage", "the stage "+quote(x.name())+" differs only in case from another")
			d.Help = "rename one of them"
			d.Related = []*diagv1.Related{{Range: p.rangeOf(p.stageKeys[first].span), Message: "the other is here"}}
			continue
		}
		p.stageAt[name] = i
		switch {
		case !isStageName(name):
			p.error(x.key.span, "bad-stage-name", quote(x.name())+" cannot be the name of a stage").Help =
				`a name begins with a letter and holds letters, digits, "-", "_" and "."`
		case name == "scratch", name == "context":
			p.error(x.key.span, "bad-stage-name", "the name "+quote(x.name())+" is reserved").Help = "rename the stage"
		}
	}
}

func isStageName(s string) bool {
	for i := range len(s) {
		c := lower(s[i])
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || !isDigits(s[i:i+1]) && c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return s != ""
}

// namedStage reads an entry of stages.
func (p *parser) namedStage(x *field, common *irv1.Word) *irv1.Stage {
	f, ok := p.fields(x.value, "the stage "+quote(x.name()), stageKeys)
	if !ok {
		return nil
	}
	base, build := f.get("base"), f.get("build")
	switch {
	case base != nil && build != nil:
		d := p.error(build.key.span, "conflicting-keys", `"build" cannot stand beside "base"`)
		d.Help = "keep one of them"
		d.Related = []*diagv1.Related{{Range: p.rangeOf(base.key.span), Message: `"base" is here`}}
	case build != nil:
		p.unsupportedBuild(build)
	case base == nil && !slices.Contains(f.guessed, "base"):
		p.error(x.key.span, "missing-key", "the stage "+quote(x.name())+` has no "base"`).Help = `add "base: IMAGE", an earlier stage, or scratch`
	}
	s := p.stage(f, x, p.platform(f, common))
	s.Steps = append(p.args(f.get("args")), p.body(f, true)...)
	return s
}

// stage makes a stage without steps. x names it; nil when it has no name.
func (p *parser) stage(f fields, x *field, platform *irv1.Word) *irv1.Stage {
	base := f.get("base")
	s := &irv1.Stage{Base: &irv1.Word{}, Platform: platform, Range: p.rangeOf(f.at)}
	if base != nil {
		s.Range = p.rangeOf(base.whole())
		s.Comment = p.commentAbove(base.key.start)
	}
	if x != nil {
		s.Name = p.literal(x.key)
		s.Range = p.rangeOf(x.key.span)
		s.Comment = p.commentAbove(x.key.start)
	}
	if w := p.word(base); w != nil {
		s.Base = w
		p.checkEarlier(base)
	}
	s.Text = ir.StageText(s)
	return s
}

// checkEarlier reports a value that names this stage or a later one.
func (p *parser) checkEarlier(f *field) {
	at, ok := p.stageAt[strings.ToLower(f.value.value)]
	if !ok || at < p.current {
		return
	}
	message, help := quote(f.value.value)+" is a later stage", "move that stage up, before this one"
	if at == p.current {
		message, help = quote(f.value.value)+" is this stage itself", "name an earlier stage or an image"
	}
	d := p.error(f.value.span, "stage-order", message)
	d.Help = help
	d.Related = []*diagv1.Related{{Range: p.rangeOf(p.stageKeys[at].span), Message: "the stage is here"}}
}

// platform reads platform and os, the one of the file standing in where a stage
// has neither. nil when there is none to set.
func (p *parser) platform(f fields, common *irv1.Word) *irv1.Word {
	system, hasOS := p.oneOf(f.get("os"), []string{"linux", "windows"})
	x := f.get("platform")
	n, ok := p.text(x)
	switch {
	case ok:
		return p.checkPlatform(x, n, system)
	case hasOS && system.value != "linux":
		return p.literal(system)
	case hasOS:
		return nil
	}
	return common
}

// checkPlatform checks what can be known before variables are.
func (p *parser) checkPlatform(x *field, n, system *node) *irv1.Word {
	w := p.expanded(n)
	if strings.Contains(n.value, "$") && len(n.value) < 256 {
		return w
	}
	platform, err := ir.ParsePlatform(n.value, &irv1.Platform{Os: "linux", Architecture: "amd64"})
	if err != nil {
		p.error(x.place(), "bad-platform", quote(n.value)+" is not a platform").Help = `write os/architecture, as in "linux/arm64"`
		return nil
	}
	if system != nil && platform.Os != system.value {
		d := p.error(system.span, "conflicting-keys", quote(system.value)+" is not the system of the platform "+quote(n.value))
		d.Help = `remove "os", or correct the platform`
		d.Related = []*diagv1.Related{{Range: p.rangeOf(n.span), Message: "the platform is here"}}
	}
	return w
}

// from reads the source of a copy: an earlier stage by name or number, or an
// image. Variables cannot stand there.
func (p *parser) from(f *field) *irv1.Word {
	n, ok := p.text(f)
	if !ok {
		return nil
	}
	switch i, err := strconv.Atoi(n.value); {
	case strings.Contains(n.value, "$"):
		p.error(n.span, "variable-in-from", `"from" cannot hold variables`).Help = "make a stage with that base, and name the stage"
		return nil
	case err == nil && isDigits(n.value) && i >= p.current:
		p.error(n.span, "stage-order", "no stage before this one has the number "+n.value).Help = "name an earlier stage or an image"
		return nil
	case err != nil:
		p.checkEarlier(f)
	}
	return p.literal(n)
}

// lower returns an ASCII letter as a small one.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
