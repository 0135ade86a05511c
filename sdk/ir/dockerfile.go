// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Dockerfile writes a build as Dockerfile text. Parsing the text gives
// the same build, but for ranges, source texts and the names of files; and for
// quotes and here-documents where the language of the build needs none and
// Dockerfile does. What Dockerfile has no way to say is left out and is an
// error among the diagnostics.
func Dockerfile(b *irv1.Build) (string, []*diagv1.Diagnostic) {
	r := &renderer{}
	if err := Validate(b); err != nil {
		r.cannot(nil, "an "+err.Error(), "")
		return "", r.diagnostics
	}
	if w := b.GetWasm(); w != nil {
		r.cannot(w.Range, "a wasm build", "Dockerfile builds container images only")
	}
	if c := b.GetContainer(); c != nil {
		r.container(c)
	}
	return r.out.String(), r.diagnostics
}

// renderer writes Dockerfile text, an instruction after the other.
type renderer struct {
	out         strings.Builder
	escape      string
	at          *diagv1.Range // of the current instruction
	bad         bool          // whether the current instruction cannot be said
	diagnostics []*diagv1.Diagnostic
}

// cannot reports something that Dockerfile cannot say.
func (r *renderer) cannot(at *diagv1.Range, what, help string) {
	r.bad = true
	r.diagnostics = append(r.diagnostics, &diagv1.Diagnostic{
		Severity: diagv1.Severity_SEVERITY_ERROR,
		Code:     "not-in-dockerfile",
		Message:  "Dockerfile cannot say " + what,
		Range:    orElse(at, r.at),
		Help:     help,
	})
}

func (r *renderer) container(c *irv1.Container) {
	r.escape = c.Escape
	if r.escape != `\` {
		r.out.WriteString("# escape=" + r.escape + "\n\n")
	}
	for _, s := range c.Args {
		r.instruction(s)
	}
	for i, s := range c.Stages {
		if r.out.Len() > 0 && (i > 0 || len(c.Args) > 0) {
			r.out.WriteByte('\n')
		}
		r.stage(s)
	}
}

func (r *renderer) stage(s *irv1.Stage) {
	r.at, r.bad = s.Range, false
	line := "FROM " + r.flag("platform", s.Platform) + r.field(s.Base)
	if s.Name != nil {
		line += " AS " + r.field(s.Name)
	}
	r.emit(s.Comment, line, nil)
	for _, step := range s.Steps {
		r.instruction(step)
	}
}

func (r *renderer) instruction(s *irv1.Step) {
	r.at, r.bad = s.Range, false
	line, docs := r.step(s)
	r.emit(s.Comment, line, docs)
}

// emit writes an instruction with the comment above and the here-documents
// below it, unless it cannot be said.
func (r *renderer) emit(comment, line string, docs []*irv1.Heredoc) {
	line = strings.TrimRight(line, " \t")
	r.checkLine(line)
	for _, h := range docs {
		r.checkBody(h)
	}
	if r.bad {
		return
	}
	if comment != "" {
		if r.out.Len() == 0 {
			// Not at the top, where it could be taken for a directive.
			r.out.WriteByte('\n')
		}
		for l := range strings.SplitSeq(comment, "\n") {
			r.out.WriteString(strings.TrimRight("# "+l, " ") + "\n")
		}
	}
	r.out.WriteString(line + "\n")
	for _, h := range docs {
		r.out.WriteString(h.Content + h.Name + "\n")
	}
}

// checkLine refuses text that would not be one line.
func (r *renderer) checkLine(line string) {
	switch {
	case strings.ContainsAny(line, "\n\r\x00"):
		r.cannot(nil, "a line break inside an instruction", "use a here-document for a command of several lines")
	case strings.HasSuffix(line, r.escape) && !strings.HasSuffix(line, r.escape+r.escape):
		r.cannot(nil, "an instruction that ends in the escape character", "")
	}
}

// checkBody refuses a here-document that would end too early.
func (r *renderer) checkBody(h *irv1.Heredoc) {
	for line := range strings.Lines(h.Content) {
		if strings.TrimRight(line, "\r\n") == h.Name {
			r.cannot(h.Range, "a here-document that holds a line with its own name, "+quote(h.Name), "")
			return
		}
	}
}

// step returns the line of an instruction, and its here-documents.
func (r *renderer) step(s *irv1.Step) (string, []*irv1.Heredoc) {
	name := strings.ToUpper(opName(s)) + " "
	switch op := s.Op.(type) {
	case *irv1.Step_Run:
		run := asHeredoc(op.Run)
		return name + r.run(run), run.GetCommand().GetHeredocs()
	case *irv1.Step_Copy:
		return name + r.copy(op.Copy), op.Copy.GetInline()
	case *irv1.Step_Add:
		return name + r.copy(op.Add), op.Add.GetInline()
	case *irv1.Step_Env:
		return name + r.pairs(op.Env.GetPairs()), nil
	case *irv1.Step_Label:
		return name + r.pairs(op.Label.GetPairs()), nil
	case *irv1.Step_Arg:
		return name + r.args(op.Arg.GetPairs()), nil
	case *irv1.Step_Workdir:
		return name + r.rest(op.Workdir), nil
	case *irv1.Step_User:
		return name + r.rest(op.User), nil
	case *irv1.Step_Stopsignal:
		return name + r.rest(op.Stopsignal), nil
	case *irv1.Step_Maintainer:
		return name + r.rest(op.Maintainer), nil
	case *irv1.Step_Expose:
		return name + r.fields(op.Expose.GetWords()), nil
	case *irv1.Step_Volume:
		return name + r.paths(op.Volume.GetWords(), ""), nil
	case *irv1.Step_Shell:
		return name + r.json(op.Shell.GetWords()), nil
	case *irv1.Step_Cmd:
		return name + r.command(op.Cmd), nil
	case *irv1.Step_Entrypoint:
		return name + r.command(op.Entrypoint), nil
	case *irv1.Step_Healthcheck:
		return name + r.healthcheck(op.Healthcheck), nil
	case *irv1.Step_Onbuild:
		line, docs := r.step(op.Onbuild)
		return name + line, docs
	}
	r.cannot(nil, "an empty instruction", "")
	return "", nil
}

func (r *renderer) run(x *irv1.Run) string {
	var b strings.Builder
	for _, m := range x.Mounts {
		b.WriteString(r.mount(m))
	}
	b.WriteString(r.flag("network", x.Network))
	b.WriteString(r.flag("security", x.Security))
	for _, d := range x.Devices {
		b.WriteString(r.flag("device", d))
	}
	if len(x.Env) > 0 {
		r.cannot(x.Env[0].GetKey().GetRange(), "variables of a single RUN",
			"set them in the command line, as in \"RUN NAME=value command\", or for all that follows with ENV")
	}
	b.WriteString(r.command(x.Command))
	return b.String()
}

// asHeredoc writes a command of several lines as a here-document, which a shell
// runs in the same way.
func asHeredoc(x *irv1.Run) *irv1.Run {
	c := x.GetCommand()
	if !c.GetShell() || len(c.Heredocs) > 0 || len(c.Words) != 1 {
		return x
	}
	text := c.Words[0].GetText()
	if !strings.Contains(text, "\n") || strings.ContainsAny(text, "\r\x00") || strings.HasPrefix(text, "#!") {
		return x
	}
	h := &irv1.Heredoc{Name: "EOF", Content: strings.TrimSuffix(text, "\n") + "\n", Expand: true}
	for strings.Contains(h.Content, h.Name) {
		h.Name += "_"
	}
	x = x.CloneVT()
	x.Command.Heredocs = []*irv1.Heredoc{h}
	x.Command.Words[0].Text = "<<" + h.Name
	return x
}

func (r *renderer) copy(c *irv1.Copy) string {
	flags := r.flag("from", c.From) + r.flag("chown", c.Chown) + r.flag("chmod", c.Chmod) +
		r.flag("link", c.Link) + r.flag("parents", c.Parents) + r.flag("checksum", c.Checksum) +
		r.flag("keep-git-dir", c.KeepGitDir) + r.flag("unpack", c.Unpack)
	for _, x := range c.Exclude {
		flags += r.flag("exclude", x)
	}
	var docs strings.Builder
	for _, h := range c.Inline {
		docs.WriteString(r.heredoc(h) + " ")
	}
	words := append(append([]*irv1.Word{}, c.Sources...), c.Destination)
	return flags + r.paths(words, docs.String())
}

func (r *renderer) healthcheck(h *irv1.Healthcheck) string {
	if h.Test == nil {
		return "NONE"
	}
	return r.flag("interval", h.Interval) + r.flag("timeout", h.Timeout) + r.flag("start-period", h.StartPeriod) +
		r.flag("start-interval", h.StartInterval) + r.flag("retries", h.Retries) + "CMD " + r.command(h.Test)
}
