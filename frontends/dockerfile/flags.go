// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// A flag is one accepted flag of an instruction.
type flag struct {
	name  string
	whole word
	value word // empty text, at the end of whole, for a bare boolean flag
}

// readFlags checks the flags of an instruction against its spec and leaves the
// accepted ones in p.flags. It returns false when a flag has no end, and so
// has taken the arguments.
func (p *parser) readFlags(in *instruction) bool {
	p.flags = p.flags[:0]
	if in.openQuote >= 0 {
		p.fault(unterminatedQuote, span{in.openQuote, in.openQuote + 1}, "the quote is not closed")
		return false
	}
	var given uint32 // a bit for each flag of the spec
	for _, w := range in.flags {
		p.tokens.text(in.line, tokenFlag, w.span)
		key, value, hasValue := w.cutEquals()
		name := key.part(2, len(key.text))
		i := findFlag(in.spec, name.text)
		if i < 0 {
			p.unknownFlag(in, name, w)
			continue
		}
		s, again := in.spec.flags[i], given&(1<<i) != 0
		given |= 1 << i
		switch {
		case s.kind != listFlag && again:
			p.fault(duplicateFlag, w.span, "--"+s.name+" is given twice")
		case s.kind == boolFlag:
			p.boolFlag(s, w, value, hasValue)
		case !hasValue || value.text == "":
			p.fault(missingFlagValue, w.span, "--"+s.name+" needs a value").Help = "write --" + s.name + "=value"
		default:
			p.flags = append(p.flags, flag{s.name, w, value})
		}
	}
	return true
}

// findFlag returns the index of a flag, or -1.
func findFlag(s *spec, name string) int {
	for i, f := range s.flags {
		if f.name == name {
			return i
		}
	}
	return -1
}

func (p *parser) unknownFlag(in *instruction, name, whole word) {
	if len(in.spec.flags) == 0 {
		p.fault(unknownFlag, whole.span, in.spec.name+" takes no flags")
		return
	}
	names := make([]string, len(in.spec.flags))
	for i, f := range in.spec.flags {
		names[i] = f.name
	}
	at := span{whole.start, name.end}
	d := p.fault(unknownFlag, at, in.spec.name+" has no flag "+quote("--"+name.text))
	if !p.meant(d, name, names, "--") {
		d.Help = "flags of " + in.spec.name + ": --" + strings.Join(names, ", --")
	}
}

// boolFlag accepts --name, --name=true and --name=false. Docker expands no
// variable there.
func (p *parser) boolFlag(s flagSpec, whole, value word, hasValue bool) {
	switch v := lower(value.text); {
	case !hasValue:
		value = word{text: "true", span: whole.span}
	case v == "true" || v == "false":
		value.text = v
	default:
		p.fault(invalidFlagValue, whole.span, "--"+s.name+" is true or false, not "+quote(value.text))
		return
	}
	p.flags = append(p.flags, flag{s.name, whole, value})
}

// flag returns the flag of that name, or nil. Of several it is the first.
func (p *parser) flag(name string) *flag {
	for i := range p.flags {
		if p.flags[i].name == name {
			return &p.flags[i]
		}
	}
	return nil
}

// value returns the value of a flag as a word of the IR, nil when it is not
// given.
func (p *parser) value(name string) *irv1.Word {
	if f := p.flag(name); f != nil {
		return p.word(f.value)
	}
	return nil
}

// expandedValue is value for a flag whose value is expanded. valid, when not
// nil, says what is wrong with a value that holds nothing to expand.
func (p *parser) expandedValue(name string, r rule, valid func(string) string) *irv1.Word {
	f := p.flag(name)
	if f == nil {
		return nil
	}
	p.checkExpansion(f.value)
	p.checkValue(f, r, valid)
	return p.word(f.value)
}

// checkValue reports what valid finds wrong with the value of a flag.
func (p *parser) checkValue(f *flag, r rule, valid func(string) string) {
	if valid == nil || strings.ContainsAny(f.value.text, "$'\"\\`") {
		return
	}
	if wrong := valid(f.value.text); wrong != "" {
		p.fault(r, f.value.span, "--"+f.name+": "+wrong)
	}
}

// oneOf reports a flag whose value is none of those allowed.
func (p *parser) oneOf(name string, allowed ...string) *irv1.Word {
	f := p.flag(name)
	if f == nil {
		return nil
	}
	for _, a := range allowed {
		if f.value.text == a {
			return p.word(f.value)
		}
	}
	d := p.fault(invalidFlagValue, f.value.span, "--"+name+" cannot be "+quote(f.value.text))
	if !p.meant(d, f.value, allowed, "") {
		d.Help = "it is " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
	}
	return p.word(f.value)
}

// help sets the help of d unless it has one.
func help(d *diagv1.Diagnostic, text string) {
	if d.Help == "" {
		d.Help = text
	}
}
