// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// badValue reports a value that is not one of a few.
func (p *parser) badValue(f *field, values []string) {
	d := p.error(f.place(), "bad-value", quote(f.value.value)+" is not a value of "+quote(f.name()))
	d.Help = "the values are " + strings.Join(values, ", ")
	if guess := suggest(f.value.value, values); guess != "" {
		d.Help = "did you mean " + guess + "?"
		d.Fixes = []*diagv1.Fix{p.replace("change "+shorten(f.value.value)+" to "+guess, f.value.span, guess)}
	}
}

// pairs reads a mapping of names to texts, in its order. Where a value may be
// missing, nothing and "" are no value.
func (p *parser) pairs(f *field, optional bool, key, value func(*node) *irv1.Word) []*irv1.Pair {
	if f == nil {
		return nil
	}
	if f.value.kind != mappingNode {
		p.pairsType(f)
		return nil
	}
	var out []*irv1.Pair
	for _, x := range p.entries(f.value) {
		if !p.checkName(f, x) {
			continue
		}
		pair := &irv1.Pair{Key: key(x.key)}
		switch {
		case optional && (x.value.isNull() || x.value.kind == scalarNode && x.value.value == ""):
		case x.value.kind != scalarNode:
			p.wrongType(x, "text")
			continue
		case x.value.isNull():
			p.error(x.place(), "wrong-type", quote(x.name())+" has no value").Help = `write the value after the colon, or "" for an empty one`
			continue
		default:
			pair.Value = value(x.value)
		}
		out = append(out, pair)
	}
	return out
}

// pairsType reports what is not a mapping. A list of NAME=value, as in Compose
// files, is told how to be written.
func (p *parser) pairsType(f *field) {
	d := p.error(f.place(), "wrong-type", quote(f.name())+" takes a mapping of names to texts, not "+f.value.describe())
	if f.value.kind == listNode {
		d.Help = `write "NAME: value" on each line, without "-"`
	}
}

// checkName reports a name that no variable or label can have.
func (p *parser) checkName(f, x *field) bool {
	name := x.name()
	if name != "" && !strings.ContainsAny(name, "= \t\r\n") {
		return true
	}
	d := p.error(x.key.span, "bad-name", quote(name)+" cannot be a name in "+quote(f.name()))
	d.Help = `a name is not empty and holds neither space nor "="`
	return false
}
