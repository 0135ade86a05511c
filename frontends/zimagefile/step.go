// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// modifiers says to which instructions each modifier belongs.
var modifiers = []struct {
	name string
	of   []string
}{
	{"to", []string{"copy", "add"}},
	{"from", []string{"copy"}},
	{"owner", []string{"copy", "add"}},
	{"chmod", []string{"copy", "add"}},
	{"cache", []string{"run"}},
}

// steps reads a list of steps.
func (p *parser) steps(f *field) []*irv1.Step {
	if f == nil {
		return nil
	}
	if f.value.kind != listNode {
		p.wrongType(f, "a list of steps")
		return nil
	}
	var out []*irv1.Step
	for _, item := range f.value.items {
		in, ok := p.fields(item, "a step", stepKeys)
		if !ok {
			continue
		}
		if s := p.instruction(in); s != nil {
			out = append(out, p.finish(s, item.span, in.at.start))
		}
	}
	return out
}

// instruction reads one step: an instruction and its modifiers.
func (p *parser) instruction(in fields) *irv1.Step {
	f := p.instructionKey(in)
	if f == nil {
		return nil
	}
	p.checkModifiers(in, f)
	switch f.name() {
	case "run":
		return p.run(f, in)
	case "copy", "add":
		return p.copy(f, in)
	case "env":
		list := p.pairs(f, false, p.expanded, p.value)
		if len(list) == 0 {
			return nil
		}
		return &irv1.Step{Op: &irv1.Step_Env{Env: &irv1.Pairs{Pairs: list}}}
	}
	if w := p.word(f); w != nil {
		return wordStep(f.name(), w)
	}
	return nil
}

// instructionKey returns the one instruction of a step. Beside run, env is a
// modifier. Of several instructions the first counts.
func (p *parser) instructionKey(in fields) *field {
	hasRun := in.get("run") != nil
	var found []*field
	for _, f := range in.list {
		if slices.Contains(instructionKeys, f.name()) && (f.name() != "env" || !hasRun) {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		guess := slices.ContainsFunc(in.guessed, func(s string) bool { return slices.Contains(instructionKeys, s) })
		if !guess {
			p.error(p.firstLine(in.at), "missing-key", "the step does nothing").Help = "add one of " + strings.Join(instructionKeys, ", ")
		}
		return nil
	}
	for _, f := range found[1:] {
		d := p.error(f.key.span, "conflicting-keys", quote(f.name())+" cannot stand beside "+quote(found[0].name())+" in one step")
		d.Help = "make it a step of its own"
		d.Related = []*diagv1.Related{{Range: p.rangeOf(found[0].key.span), Message: quote(found[0].name()) + " is here"}}
	}
	return found[0]
}

// firstLine is the part of a stretch that is on its first line.
func (p *parser) firstLine(s span) span {
	return span{s.start, lineEnd(p.src[:s.end], s.start)}
}

// checkModifiers reports modifiers of other instructions.
func (p *parser) checkModifiers(in fields, of *field) {
	for _, m := range modifiers {
		f := in.get(m.name)
		if f == nil || slices.Contains(m.of, of.name()) {
			continue
		}
		d := p.error(f.key.span, "misplaced-key", quote(m.name)+" has no meaning for "+quote(of.name()))
		d.Help = "it belongs to " + strings.Join(m.of, " and ")
		if m.name == "from" && of.name() == "add" {
			d.Help = `use "copy" to take files from a stage or image`
		}
	}
}

// run reads a command with its variables and caches.
func (p *parser) run(f *field, in fields) *irv1.Step {
	r := &irv1.Run{
		Command: asHeredoc(p.command(f, false)),
		Env:     p.pairs(in.get("env"), false, p.expanded, p.value),
		Mounts:  p.caches(in.get("cache")),
	}
	if r.Command == nil {
		return nil
	}
	return &irv1.Step{Op: &irv1.Step_Run{Run: r}}
}

// asHeredoc writes a command of several lines as Dockerfile does: as a
// here-document, which the shell runs in the same way. A blank line before "#!"
// keeps that from naming another interpreter.
func asHeredoc(c *irv1.Command) *irv1.Command {
	if !c.GetShell() || !strings.Contains(c.Words[0].Text, "\n") {
		return c
	}
	line := c.Words[0]
	h := &irv1.Heredoc{Name: "EOF", Content: line.Text + "\n", Expand: true, Range: line.Range, Body: line.Range}
	if strings.HasPrefix(h.Content, "#!") {
		h.Content = "\n" + h.Content
	}
	for strings.Contains("\n"+h.Content, "\n"+h.Name+"\n") {
		h.Name += "F"
	}
	return &irv1.Command{Shell: true, Words: []*irv1.Word{{Text: "<<" + h.Name, Range: line.Range}}, Heredocs: []*irv1.Heredoc{h}}
}

// copy reads copy or add.
func (p *parser) copy(f *field, in fields) *irv1.Step {
	to := in.get("to")
	if to == nil && !slices.Contains(in.guessed, "to") {
		p.error(f.key.span, "missing-key", quote(f.name())+` has no "to"`).Help = `add where the files go, as in "to: /app/"`
	}
	sources := p.texts(f, true)
	if f.value.kind == listNode && len(f.value.items) == 0 {
		p.error(f.place(), "empty-value", quote(f.name())+" names no files").Help = "list the files, or remove the step"
	}
	c := &irv1.Copy{
		Sources:     p.words(sources),
		Destination: p.word(to),
		Chown:       p.word(in.get("owner")),
		Chmod:       p.checked(in.get("chmod"), ir.IsMode, "bad-mode", "a file mode", `write an octal mode, as in "0755", or a symbolic one, as in "u+x"`),
	}
	if f.name() == "copy" {
		c.From = p.from(in.get("from"))
	}
	if len(c.Sources) == 0 || c.Destination == nil {
		return nil
	}
	if f.name() == "copy" {
		return &irv1.Step{Op: &irv1.Step_Copy{Copy: c}}
	}
	return &irv1.Step{Op: &irv1.Step_Add{Add: c}}
}

// caches reads cache mounts.
func (p *parser) caches(f *field) []*irv1.Mount {
	if f == nil {
		return nil
	}
	if f.value.kind != listNode {
		p.wrongType(f, "a list of caches")
		return nil
	}
	var out []*irv1.Mount
	for _, item := range f.value.items {
		if in, ok := p.fields(item, "a cache", cacheKeys); ok {
			if m := p.cache(in); m != nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// cache reads one cache mount. A cache that does not say how it is shared is
// locked, unlike Dockerfile's.
func (p *parser) cache(in fields) *irv1.Mount {
	m := &irv1.Mount{Range: p.rangeOf(in.at)}
	add := func(key string, value *irv1.Word) {
		if value != nil {
			m.Options = append(m.Options, &irv1.Pair{Key: &irv1.Word{Text: key, Range: m.Range}, Value: value})
		}
	}
	add("type", &irv1.Word{Text: "cache", Range: m.Range})
	if in.get("target") == nil && !slices.Contains(in.guessed, "target") {
		p.error(p.firstLine(in.at), "missing-key", `the cache has no "target"`).Help = `add the folder to keep, as in "target: /root/.cache"`
	}
	target := p.word(in.get("target"))
	add("target", target)
	add("id", p.word(in.get("id")))
	add("sharing", p.sharing(in.get("sharing"), m.Range))
	if f := in.get("readonly"); p.boolean(f) {
		add("readonly", &irv1.Word{Text: "true", Range: p.rangeOf(f.value.span)})
	}
	if target == nil {
		return nil
	}
	return m
}

func (p *parser) sharing(f *field, otherwise *diagv1.Range) *irv1.Word {
	if n, ok := p.oneOf(f, []string{"locked", "shared", "private"}); ok {
		return p.literal(n)
	}
	return &irv1.Word{Text: "locked", Range: otherwise}
}
