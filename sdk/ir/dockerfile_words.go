// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// flag writes "--name=value " for a word that is there. Flags lose their quotes
// and escapes when they are read, so all that means something is escaped.
func (r *renderer) flag(name string, w *irv1.Word) string {
	if w == nil {
		return ""
	}
	return "--" + name + "=" + r.flagText(w.Text) + " "
}

func (r *renderer) flagText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; isBlank(c) || c == '"' || c == '\'' || c == r.escape[0] {
			b.WriteString(r.escape)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// mount writes a --mount: comma-separated fields, those with commas or quotes
// in quotes of their own.
func (r *renderer) mount(m *irv1.Mount) string {
	fields := make([]string, len(m.Options))
	for i, o := range m.Options {
		f := o.GetKey().GetText()
		if o.GetValue() != nil {
			f += "=" + o.Value.Text
		}
		if strings.ContainsAny(f, `,"`) {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
		fields[i] = f
	}
	return "--mount=" + r.flagText(strings.Join(fields, ",")) + " "
}

// field writes a word that ends at white space.
func (r *renderer) field(w *irv1.Word) string {
	text := w.GetText()
	if text == "" || strings.ContainsFunc(text, isSpace) {
		r.cannot(w.GetRange(), "the word "+quote(text)+" here, which is empty or has blanks in it", "")
	}
	return guard(text)
}

// guard keeps a text from being read as a flag.
func guard(s string) string {
	if strings.HasPrefix(s, "--") {
		return "-- " + s
	}
	return s
}

func isSpace(c rune) bool { return c < utf8.RuneSelf && isBlank(byte(c)) }

// fields writes words that end at white space.
func (r *renderer) fields(list []*irv1.Word) string {
	for _, w := range list {
		r.field(w)
	}
	return guard(strings.Join(literal(list), " "))
}

// rest writes a word that goes to the end of the line.
func (r *renderer) rest(w *irv1.Word) string {
	text := w.GetText()
	if text == "" || strings.TrimFunc(text, isSpace) != text {
		r.cannot(w.GetRange(), "the value "+quote(text)+" here, which is empty or has blanks at its ends", "")
	}
	return guard(text)
}

// paths writes the operands of COPY, ADD and VOLUME: plain words, or JSON where
// they are empty, have blanks or could be taken for something else.
func (r *renderer) paths(list []*irv1.Word, docs string) string {
	plain := !slices.ContainsFunc(list, func(w *irv1.Word) bool {
		s := w.GetText()
		return s == "" || strings.ContainsFunc(s, isSpace) || beginsHeredoc(s)
	})
	if plain && !strings.HasPrefix(list[0].GetText(), "[") {
		last := len(list) - 1
		words := append(literal(list[:last]), docs+list[last].GetText())
		return guard(strings.Join(words, " "))
	}
	if docs != "" {
		r.cannot(nil, "here-documents beside a path with blanks in it", "copy them one by one")
	}
	return r.json(list)
}

// heredoc writes the word that begins a here-document.
func (r *renderer) heredoc(h *irv1.Heredoc) string {
	s := "<<"
	if h.Fd != 0 {
		s = utoa(h.Fd) + s
	}
	if h.StripTabs {
		s += "-"
	}
	if !isName(h.Name, "_-./:+,@%") {
		r.cannot(h.Range, "a here-document with the name "+quote(h.Name), "")
	}
	if h.Expand {
		return s + h.Name
	}
	return s + `"` + h.Name + `"`
}

// beginsHeredoc says whether a word would begin a here-document.
func beginsHeredoc(s string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(s, "0123456789"), "<<")
	return ok && !strings.HasPrefix(rest, "<")
}

// command writes a command in the form it has.
func (r *renderer) command(c *irv1.Command) string {
	if !c.GetShell() {
		return r.json(c.GetWords())
	}
	text := c.Words[0].GetText()
	if len(c.Heredocs) == 0 && slices.ContainsFunc(strings.Fields(text), beginsHeredoc) {
		r.cannot(c.Words[0].GetRange(), "\"<<\" in a command without beginning a here-document", "")
	}
	if looksLikeArray(text) {
		r.cannot(c.Words[0].GetRange(), "a shell command that is a JSON array", "")
	}
	return r.rest(c.Words[0])
}

// looksLikeArray says whether a command line could be read as JSON.
func looksLikeArray(s string) bool {
	inner, ok := strings.CutPrefix(s, "[")
	inner = strings.TrimLeft(inner, " \t")
	return ok && strings.HasSuffix(s, "]") && (inner == "]" || strings.HasPrefix(inner, `"`))
}

// json writes words as a JSON array of strings.
func (r *renderer) json(list []*irv1.Word) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, w := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if !utf8.ValidString(w.GetText()) {
			r.cannot(w.GetRange(), "the bytes of "+quote(w.GetText())+", which are not UTF-8, in a JSON array", "")
		}
		jsonString(&b, w.GetText())
	}
	b.WriteByte(']')
	return b.String()
}

// jsonString writes a string of JSON.
func jsonString(b *strings.Builder, s string) {
	const hex = "0123456789abcdef"
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
}

// pairs writes the operands of ENV and LABEL. A single value with unquoted
// blanks takes the old form without "=".
func (r *renderer) pairs(list []*irv1.Pair) string {
	if len(list) == 1 && !r.oneField(list[0].Value.GetText()) {
		value := list[0].Value.GetText()
		if strings.Contains(list[0].Key.GetText(), "=") {
			r.cannot(list[0].Key.GetRange(), "the name "+quote(list[0].Key.GetText()), "")
		}
		if strings.TrimFunc(value, isSpace) == value {
			return r.field(list[0].Key) + " " + value
		}
	}
	return r.args(list)
}

// args writes name=value pairs and names.
func (r *renderer) args(list []*irv1.Pair) string {
	out := make([]string, len(list))
	for i, p := range list {
		key := p.Key.GetText()
		if strings.Contains(key, "=") || !r.oneField(key) {
			r.cannot(p.Key.GetRange(), "the name "+quote(key), "")
		}
		out[i] = key
		if p.Value == nil {
			continue
		}
		value := r.oneValue(p.Value.Text)
		if !r.oneField(value) {
			r.cannot(p.Value.Range, "the value "+quote(p.Value.Text)+", whose quotes do not close", "")
		}
		out[i] += "=" + value
	}
	return guard(strings.Join(out, " "))
}

// oneValue returns a value of a pair so that Dockerfile reads it as one word of
// the same meaning: other languages need no quotes around blanks.
func (r *renderer) oneValue(s string) string {
	switch {
	case r.oneField(s):
		return s
	case !strings.ContainsAny(s, `"'`+r.escape):
		return `"` + s + `"`
	}
	var b strings.Builder
	last := 0
	for i := range len(s) {
		if isBlank(s[i]) && r.oneField(s[last:i]) {
			b.WriteString(s[last:i] + r.escape + s[i:i+1])
			last = i + 1
		}
	}
	return b.String() + s[last:]
}

// oneField says whether Dockerfile reads s as one word, with quotes and escapes
// taken into account.
func (r *renderer) oneField(s string) bool {
	var quote byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == r.escape[0] && quote != '\'':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case isBlank(c):
			return false
		}
	}
	return quote == 0
}
