// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// wrongType reports a value of another type than wanted.
func (p *parser) wrongType(f *field, want string) {
	d := p.error(f.place(), "wrong-type", quote(f.name())+" takes "+want+", not "+f.value.describe())
	if f.value.isNull() {
		d.Help = `write the value after the colon, or remove the key`
	}
}

// text reads a text that must not be empty.
func (p *parser) text(f *field) (*node, bool) {
	if f == nil {
		return nil, false
	}
	if f.value.kind != scalarNode || f.value.isNull() {
		p.wrongType(f, "text")
		return nil, false
	}
	if f.value.value == "" {
		p.error(f.place(), "empty-value", quote(f.name())+" is empty").Help = "write a value, or remove the key"
		return nil, false
	}
	return f.value, true
}

// word reads a text as a word that is expanded. nil when there is none.
func (p *parser) word(f *field) *irv1.Word {
	if n, ok := p.text(f); ok {
		return p.expanded(n)
	}
	return nil
}

// checked is word for a value that is known to be wrong when it holds no
// variable and ok says so.
func (p *parser) checked(f *field, ok func(string) bool, code, what, help string) *irv1.Word {
	n, found := p.text(f)
	if !found {
		return nil
	}
	if !strings.Contains(n.value, "$") && !ok(n.value) {
		p.error(n.span, code, quote(n.value)+" is not "+what).Help = help
		return nil
	}
	return p.expanded(n)
}

// literal reads a text as a word that is not expanded.
func (p *parser) literal(n *node) *irv1.Word {
	return &irv1.Word{Text: n.value, Range: p.rangeOf(n.span)}
}

// texts reads a list of texts that are not empty, or one text alone when a list
// is not needed.
func (p *parser) texts(f *field, alone bool) []*node {
	want := "a list of texts"
	if alone {
		want = "text or a list of texts"
	}
	switch {
	case alone && f.value.kind == scalarNode && !f.value.isNull():
		if n, ok := p.text(f); ok {
			return []*node{n}
		}
		return nil
	case f.value.kind != listNode:
		p.wrongType(f, want)
		return nil
	}
	var out []*node
	for _, item := range f.value.items {
		if item = item.resolve(); p.itemText(f, item, false) {
			out = append(out, item)
		}
	}
	return out
}

// itemText reports an element of a list that is not text.
func (p *parser) itemText(f *field, item *node, empty bool) bool {
	at := item.span
	if at.start == at.end {
		at = f.key.span
	}
	switch {
	case item.kind != scalarNode || item.isNull():
		p.error(at, "wrong-type", "an element of "+quote(f.name())+" is text, not "+item.describe())
		return false
	case item.value == "" && !empty:
		p.error(at, "empty-value", "an element of "+quote(f.name())+" is empty").Help = "remove it"
		return false
	}
	return true
}

// words expands texts.
func (p *parser) words(nodes []*node) []*irv1.Word {
	out := make([]*irv1.Word, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, p.expanded(n))
	}
	return out
}

// command reads a command: text for the shell, or a list of arguments. An empty
// list is a command only where it takes one away.
func (p *parser) command(f *field, emptyList bool) *irv1.Command {
	if f == nil {
		return nil
	}
	switch {
	case f.value.kind == listNode:
		return p.execForm(f, emptyList)
	case f.value.kind != scalarNode || f.value.isNull():
		p.wrongType(f, "a command: text for the shell, or a list of arguments")
		return nil
	}
	line := trimLine(f.value.value)
	if line == "" {
		p.error(f.place(), "empty-value", quote(f.name())+" has an empty command").Help = "write the command, or remove the key"
		return nil
	}
	w := &irv1.Word{Text: line, Range: p.rangeOf(f.value.span)}
	return &irv1.Command{Shell: true, Words: []*irv1.Word{w}}
}

func (p *parser) execForm(f *field, empty bool) *irv1.Command {
	c := &irv1.Command{}
	ok := true
	for i, item := range f.value.items {
		item = item.resolve()
		if !p.itemText(f, item, i > 0) {
			ok = false
			continue
		}
		c.Words = append(c.Words, p.literal(item))
	}
	if len(f.value.items) == 0 && !empty {
		p.error(f.place(), "empty-value", quote(f.name())+" has an empty command").Help = "write the command, or remove the key"
		return nil
	}
	if !ok {
		return nil
	}
	return c
}

// trimLine drops blank lines around a command line and space at its end.
func trimLine(s string) string {
	start, end := 0, len(s)
	for end > 0 && blank(s[end-1]) {
		end--
	}
	for i := 0; i < end && blank(s[i]); i++ {
		if s[i] == '\n' {
			start = i + 1
		}
	}
	return s[start:end]
}

// boolean reads a truth value; absent is false.
func (p *parser) boolean(f *field) bool {
	if f == nil {
		return false
	}
	if f.value.kind == scalarNode && f.value.style == plainStyle {
		switch f.value.value {
		case "true", "True", "TRUE":
			return true
		case "false", "False", "FALSE":
			return false
		}
	}
	d := p.error(f.place(), "wrong-type", quote(f.name())+" takes true or false, not "+f.value.describe())
	if f.value.kind == scalarNode && !f.value.isNull() {
		d.Message = quote(f.name()) + " takes true or false, not " + quote(f.value.value)
	}
	return false
}

// oneOf reads a text that is one of a few.
func (p *parser) oneOf(f *field, values []string) (*node, bool) {
	n, ok := p.text(f)
	if !ok {
		return nil, false
	}
	for _, v := range values {
		if n.value == v {
			return n, true
		}
	}
	p.badValue(f, values)
	return nil, false
}
