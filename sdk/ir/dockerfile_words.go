// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// flag writes "--name=value " for a word that is there. Flags lose their quotes
// and escapes when they are read, so all that means something is escaped.
func (r *renderer) flag(name string, w *irv1.Word) string {
	if w == nil {
		return ""
	}
	if w.Text == "" {
		r.cannot(w.Range, "an empty --"+name, "")
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
	if len(m.Options) == 0 {
		r.cannot(m.Range, "a mount without options", "")
	}
	fields := make([]string, len(m.Options))
	for i, o := range m.Options {
		f := o.GetKey().GetText()
		if strings.Contains(f, "=") {
			r.cannot(m.Range, "the option "+quote(f)+" of a mount", "")
		}
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

// toggle writes a flag that is true or false.
func (r *renderer) toggle(name string, w *irv1.Word) string {
	if text := w.GetText(); w != nil && text != "true" && text != "false" {
		r.cannot(w.GetRange(), quote(text)+" as a value of --"+name, "the values are true and false")
	}
	return r.flag(name, w)
}

// guard keeps a text from being read as a flag.
func guard(s string) string {
	if strings.HasPrefix(s, "--") {
		return "-- " + s
	}
	return s
}

// fields writes words that end at blanks.
func (r *renderer) fields(list []*irv1.Word) string {
	for _, w := range list {
		if !isField(w.GetText()) {
			r.cannot(w.GetRange(), "the word "+quote(w.GetText())+" here, which is empty or has blanks in it", "")
		}
	}
	line := strings.Join(literal(list), " ")
	if !isTrimmed(line) {
		r.cannot(list[0].GetRange(), "the words "+quote(line)+" here, which have blanks at their ends", "")
	}
	return guard(line)
}

// isField says whether s is one of the words that blanks part.
func isField(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return c < utf8.RuneSelf && isBlank(byte(c)) })
}

// isPlainList says whether words need no JSON to be read as these.
func isPlainList(words []string) bool {
	for _, w := range words {
		if !isField(w) {
			return false
		}
	}
	return isTrimmed(strings.Join(words, " ")) && words[0][0] != '['
}

// rest writes a word that goes to the end of the line.
func (r *renderer) rest(w *irv1.Word) string {
	r.checkRest(w)
	return guard(w.GetText())
}

func (r *renderer) checkRest(w *irv1.Word) {
	text := w.GetText()
	if strings.ContainsAny(text, "\r\n") {
		return // which checkLine reports
	}
	if text == "" || !isTrimmed(text) {
		r.cannot(w.GetRange(), "the value "+quote(text)+" here, which is empty or has blanks at its ends", "")
	}
}

// volumes writes the operands of VOLUME.
func (r *renderer) volumes(list []*irv1.Word) string {
	for _, w := range list {
		if strings.TrimFunc(w.GetText(), unicode.IsSpace) == "" {
			r.cannot(w.GetRange(), "a volume whose path is empty", "")
		}
	}
	if words := literal(list); isPlainList(words) {
		return guard(strings.Join(words, " "))
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

// command writes a command in the form it has.
func (r *renderer) command(c *irv1.Command) string {
	if !c.GetShell() {
		return r.json(c.GetWords())
	}
	w := c.Words[0]
	if isArray(w.GetText()) {
		r.cannot(w.GetRange(), "a shell command that is a JSON array", "")
	}
	r.checkRest(w)
	return w.GetText()
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

// pairs writes the operands of ENV and LABEL. A single value with unquoted
// blanks takes the old form without "=".
func (r *renderer) pairs(list []*irv1.Pair) string {
	if len(list) > 1 || r.isOne(list[0].Value.GetText()) || list[0].Value.GetText() == "" || isBlank(list[0].Value.Text[0]) {
		return r.args(list)
	}
	r.checkName(list[0].Key)
	r.checkRest(list[0].Value)
	return r.fields([]*irv1.Word{list[0].Key}) + " " + list[0].Value.Text
}

// args writes name=value pairs and names.
func (r *renderer) args(list []*irv1.Pair) string {
	out := make([]string, len(list))
	for i, p := range list {
		r.checkName(p.Key)
		out[i] = p.Key.GetText()
		if p.Value == nil {
			continue
		}
		if !r.isOne(p.Value.Text) {
			r.cannot(p.Value.Range, "the value "+quote(p.Value.Text)+", whose blanks are outside of quotes or whose quotes do not close", "")
		}
		out[i] += "=" + p.Value.Text
	}
	return guard(strings.Join(out, " "))
}

// checkName refuses a name that would not be read as one.
func (r *renderer) checkName(w *irv1.Word) {
	if text := w.GetText(); strings.Contains(text, "=") || !r.isOne(text) {
		r.cannot(w.GetRange(), "the name "+quote(text), "")
	}
}

// isOne says whether Dockerfile reads s as one word, with quotes and escapes
// taken into account.
func (r *renderer) isOne(s string) bool {
	var quote, last rune
	for _, c := range s {
		escaped := last == rune(r.escape[0])
		last = 0
		switch {
		case escaped:
		case c == rune(r.escape[0]) && quote != '\'':
			last = c
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"', c == '\'':
			quote = c
		case unicode.IsSpace(c):
			return false
		}
	}
	return quote == 0 && last == 0
}
