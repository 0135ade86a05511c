// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// History shows steps in the words of a Dockerfile. This file writes them; it
// is for reading, the build never parses it.

// fromText is the text of a stage.
func fromText(s *irv1.Stage) string {
	text := "FROM "
	if s.Platform != nil {
		text += "--platform=" + s.Platform.Text + " "
	}
	text += s.Base.Text
	if s.Name != nil {
		text += " AS " + s.Name.Text
	}
	return text
}

// stepText is the text of a step.
func stepText(s *irv1.Step) string {
	switch op := s.Op.(type) {
	case *irv1.Step_Run:
		return runText(op.Run)
	case *irv1.Step_Copy:
		return copyText("COPY", op.Copy)
	case *irv1.Step_Add:
		return copyText("ADD", op.Add)
	case *irv1.Step_Env:
		return pairsText("ENV", op.Env.Pairs)
	case *irv1.Step_Label:
		return pairsText("LABEL", op.Label.Pairs)
	case *irv1.Step_Arg:
		return pairsText("ARG", op.Arg.Pairs)
	case *irv1.Step_Workdir:
		return "WORKDIR " + op.Workdir.Text
	case *irv1.Step_User:
		return "USER " + op.User.Text
	case *irv1.Step_Stopsignal:
		return "STOPSIGNAL " + op.Stopsignal.Text
	case *irv1.Step_Expose:
		return "EXPOSE " + op.Expose.Words[0].Text
	case *irv1.Step_Volume:
		return "VOLUME " + jsonText(op.Volume.Words)
	case *irv1.Step_Cmd:
		return "CMD " + commandText(op.Cmd)
	case *irv1.Step_Entrypoint:
		return "ENTRYPOINT " + commandText(op.Entrypoint)
	case *irv1.Step_Healthcheck:
		return healthText(op.Healthcheck)
	}
	return ""
}

func pairsText(name string, pairs []*irv1.Pair) string {
	var b strings.Builder
	b.WriteString(name)
	for _, p := range pairs {
		b.WriteByte(' ')
		b.WriteString(p.Key.Text)
		if p.Value != nil {
			b.WriteByte('=')
			b.WriteString(quoted(p.Value.Text))
		}
	}
	return b.String()
}

// quoted puts a word into quotes where it needs them.
func quoted(word string) string {
	if word != "" && !strings.ContainsAny(word, " \t\r\n") {
		return word
	}
	return `"` + strings.ReplaceAll(word, `\'`, "'") + `"`
}

func runText(r *irv1.Run) string {
	var b strings.Builder
	b.WriteString("RUN ")
	for _, m := range r.Mounts {
		sep := "--mount="
		for _, o := range m.Options {
			b.WriteString(sep + o.Key.Text + "=" + o.Value.Text)
			sep = ","
		}
		b.WriteByte(' ')
	}
	for _, p := range r.Env {
		b.WriteString(p.Key.Text + "=" + quoted(p.Value.Text) + " ")
	}
	b.WriteString(commandText(r.Command))
	return b.String()
}

// commandText writes a command line of several lines as a here-document.
func commandText(c *irv1.Command) string {
	if !c.Shell {
		return jsonText(c.Words)
	}
	line := c.Words[0].Text
	if !strings.Contains(line, "\n") {
		return line
	}
	end := "EOF"
	for strings.Contains("\n"+line+"\n", "\n"+end+"\n") {
		end += "F"
	}
	return "<<" + end + "\n" + line + "\n" + end
}

func copyText(name string, c *irv1.Copy) string {
	var b strings.Builder
	b.WriteString(name)
	flag := func(name string, w *irv1.Word) {
		if w != nil {
			b.WriteString(" --" + name + "=" + w.Text)
		}
	}
	flag("from", c.From)
	flag("chown", c.Chown)
	flag("chmod", c.Chmod)
	words := slices.Concat(c.Sources, []*irv1.Word{c.Destination})
	for _, w := range words {
		if strings.ContainsAny(w.Text, " \t\r\n") {
			return b.String() + " " + jsonText(words)
		}
	}
	for _, w := range words {
		b.WriteString(" " + w.Text)
	}
	return b.String()
}

func healthText(h *irv1.Healthcheck) string {
	text := "HEALTHCHECK"
	flag := func(name string, w *irv1.Word) {
		if w != nil {
			text += " --" + name + "=" + w.Text
		}
	}
	flag("interval", h.Interval)
	flag("timeout", h.Timeout)
	flag("start-period", h.StartPeriod)
	flag("retries", h.Retries)
	return text + " CMD " + commandText(h.Test)
}

// jsonText writes words as a JSON list.
func jsonText(words []*irv1.Word) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, w := range words {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('"')
		for j := range len(w.Text) {
			jsonByte(&b, w.Text[j])
		}
		b.WriteByte('"')
	}
	b.WriteByte(']')
	return b.String()
}

func jsonByte(b *strings.Builder, c byte) {
	switch {
	case c == '"' || c == '\\':
		b.WriteByte('\\')
		b.WriteByte(c)
	case c == '\n':
		b.WriteString(`\n`)
	case c == '\t':
		b.WriteString(`\t`)
	case c < ' ':
		b.WriteString(`\u00` + hex(c))
	default:
		b.WriteByte(c)
	}
}

// lower returns an ASCII letter as a small one.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
