// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// command builds the command that stands at, in the exec form when it is a
// JSON array and else in the shell form. It returns nil when there is none.
func (p *parser) command(in *instruction, at span) *irv1.Command {
	switch in.json {
	case jsonOther:
		p.jsonFault(at)
		return nil
	case jsonArray:
		return &irv1.Command{Words: p.strings(in, at, (*parser).literal)}
	default:
		return p.shellCommand(in, at)
	}
}

// shellCommand builds a command in the shell form.
func (p *parser) shellCommand(in *instruction, at span) *irv1.Command {
	if at.start == at.end {
		return nil
	}
	w := cut(in.line.text, at.start, at.end)
	p.tokens.text(in.line, tokenString, w.span)
	if p.tokens != nil {
		p.shellVariables(w)
	}
	return &irv1.Command{Shell: true, Words: []*irv1.Word{p.word(w)}, Heredocs: p.heredocs(in)}
}

// jsonFault reports a JSON array that holds something other than strings.
func (p *parser) jsonFault(at span) {
	p.fault(jsonNotStrings, at, "the JSON form may only hold strings")
}

// strings returns the strings of the JSON form that stands at.
func (p *parser) strings(in *instruction, at span, word func(*parser, word) *irv1.Word) []*irv1.Word {
	list := make([]*irv1.Word, len(in.strings))
	last := at.start
	for i, w := range in.strings {
		p.operators(last, w.start)
		list[i] = word(p, w)
		last = w.end
	}
	p.operators(last, at.end)
	return list
}

// operators notes the punctuation of JSON between two strings.
func (p *parser) operators(start, end int) {
	if p.tokens == nil {
		return
	}
	for i := start; i < end; i++ {
		if c := p.line.text[i]; c == '[' || c == ']' || c == ',' {
			p.tokens.text(p.line, tokenOperator, span{i, i + 1})
		}
	}
}

// shellVariables notes the variables of a shell's command line. What the
// builder cannot read there is the shell's business.
func (p *parser) shellVariables(w word) {
	if hasVariable(w.text) {
		p.variables(&lexer{text: w.text, escape: '\\'}, w)
	}
}

const jsonHelp = `the JSON form is ["one", "two"], with double quotes`

// warnJSON warns of text that was probably meant to be JSON, which Docker
// silently takes as something else. It reports whether it did.
func (p *parser) warnJSON(in *instruction, at span, taken string) bool {
	if in.json != notJSON || !looksLikeJSON(in.line.text[at.start:at.end]) {
		return false
	}
	p.fault(jsonInvalid, at, "this is not valid JSON and is taken as "+taken).Help = jsonHelp
	return true
}

// looksLikeJSON tells a broken JSON array from a shell's "[ ... ]" and from
// plain words: no blank follows the bracket, or a comma the first string.
func looksLikeJSON(s string) bool {
	if len(s) < 2 || s[0] != '[' || s[1] == '[' {
		return false
	}
	if !isBlank(s[1]) {
		return true
	}
	i := skipBlanks(s, 1, len(s))
	if i == len(s) || s[i] != '"' && s[i] != '\'' {
		return false
	}
	n := strings.IndexByte(s[i+1:], s[i])
	if n < 0 {
		return false
	}
	i = skipBlanks(s, i+n+2, len(s))
	return i < len(s) && s[i] == ','
}

// missing reports an instruction without what it needs.
func (p *parser) missing(in *instruction, what string) {
	p.fault(missingArgument, in.name.span, in.spec.name+" needs "+what)
}

func (p *parser) run(in *instruction) *irv1.Run {
	if in.json == jsonArray && len(in.strings) == 0 || in.rest.start == in.rest.end {
		p.missing(in, "a command")
		return nil
	}
	p.warnJSON(in, in.rest, "a shell command")
	r := &irv1.Run{
		Network:  p.oneOf("network", "default", "none", "host"),
		Security: p.oneOf("security", "sandbox", "insecure"),
	}
	for i := range p.flags {
		switch f := &p.flags[i]; f.name {
		case "mount":
			r.Mounts = append(r.Mounts, p.mount(f))
		case "device":
			r.Devices = append(r.Devices, p.device(f))
		}
	}
	if r.Command = p.command(in, in.rest); r.Command == nil {
		return nil
	}
	return r
}

// defaultCommand builds CMD and ENTRYPOINT. An empty JSON array is fine: it
// takes back what the base says.
func (p *parser) defaultCommand(in *instruction) *irv1.Command {
	if in.rest.start == in.rest.end {
		p.missing(in, "a command")
		return nil
	}
	warned := p.warnJSON(in, in.rest, "a shell command")
	if in.json == notJSON && !warned && !p.inTrigger && !p.lint.hasShell() {
		p.fault(jsonArgsRecommended, in.rest, "in the shell form of "+in.spec.name+" the shell gets the signals, not the process").Help =
			`use the JSON form: ` + in.spec.name + ` ["program", "argument"]`
	}
	return p.command(in, in.rest)
}

func (p *parser) shell(in *instruction) *irv1.Words {
	switch {
	case in.json == jsonOther:
		p.jsonFault(in.rest)
	case in.json == jsonArray && len(in.strings) > 0:
		if !p.inTrigger {
			p.lint.setShell()
		}
		return &irv1.Words{Words: p.strings(in, in.rest, (*parser).literal)}
	case in.json == jsonArray, in.rest.start == in.rest.end:
		p.missing(in, "a shell")
	default:
		p.fault(shellNotJSON, in.rest, "SHELL takes only the JSON form").Help = `write SHELL ["program", "argument"]`
	}
	return nil
}

func (p *parser) healthcheck(in *instruction) *irv1.Healthcheck {
	text := in.line.text
	kind := cut(text, in.rest.start, wordEnd(text, in.rest.start, in.rest.end))
	at := in.jsonRest()
	switch {
	case kind.text == "":
		p.missing(in, "CMD and a command, or NONE")
		return nil
	case equalFold(kind.text, "NONE"):
		return p.noHealthcheck(kind, at)
	case !equalFold(kind.text, "CMD"):
		d := p.fault(invalidHealthcheck, kind.span, "HEALTHCHECK is followed by CMD or NONE, not by "+quote(kind.text))
		p.meant(d, kind, []string{"CMD", "NONE"}, "")
		return nil
	}
	p.tokens.text(in.line, tokenKeyword, kind.span)
	p.warnJSON(in, at, "a shell command")
	h := &irv1.Healthcheck{
		Interval:      p.expandedValue("interval", invalidDuration, wrongDuration),
		Timeout:       p.expandedValue("timeout", invalidDuration, wrongDuration),
		StartPeriod:   p.expandedValue("start-period", invalidDuration, wrongDuration),
		StartInterval: p.expandedValue("start-interval", invalidDuration, wrongDuration),
		Retries:       p.expandedValue("retries", invalidNumber, wrongCount),
	}
	if at.start == at.end || in.json == jsonArray && len(in.strings) == 0 {
		p.fault(missingArgument, kind.span, "a command is missing after HEALTHCHECK CMD")
		return nil
	}
	if h.Test = p.command(in, at); h.Test == nil {
		return nil
	}
	return h
}

// noHealthcheck builds HEALTHCHECK NONE.
func (p *parser) noHealthcheck(none word, rest span) *irv1.Healthcheck {
	p.tokens.text(p.line, tokenKeyword, none.span)
	for _, f := range p.flags {
		p.fault(flagIgnored, f.whole.span, "--"+f.name+" has no effect with HEALTHCHECK NONE")
	}
	if rest.start < rest.end {
		p.fault(unexpectedArgument, rest, "HEALTHCHECK NONE takes no arguments")
	}
	return &irv1.Healthcheck{}
}
