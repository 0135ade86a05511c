// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Dockerfile writes a build as Dockerfile text. When there are no diagnostics,
// parsing the text gives the same build: Text prints both the same, but for the
// source texts, which are now those of StageText and StepText. What Dockerfile
// has no way to say is left out and is an error among the diagnostics.
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

// StageText returns FROM as Dockerfile writes it: the source text of a stage
// that is written in another language.
func StageText(s *irv1.Stage) string {
	r := &renderer{escape: `\`}
	return r.from(s)
}

// StepText returns an instruction as Dockerfile writes it, its here-documents
// below: the source text of a step that is written in another language. What
// Dockerfile cannot say is written as if it could.
func StepText(s *irv1.Step) string {
	r := &renderer{escape: `\`}
	line, docs := r.step(s)
	for _, h := range docs {
		line += "\n" + h.Content + h.Name
	}
	return line
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
	r.emit(s.Comment, r.from(s), nil)
	for _, step := range s.Steps {
		r.instruction(step)
	}
}

func (r *renderer) from(s *irv1.Stage) string {
	words := []*irv1.Word{s.GetBase()}
	if s.GetName() != nil {
		words = append(words, &irv1.Word{Text: "AS"}, s.Name)
	}
	return "FROM " + r.flag("platform", s.GetPlatform()) + r.fields(words)
}

func (r *renderer) instruction(s *irv1.Step) {
	r.at, r.bad = s.Range, false
	line, docs := r.step(s)
	r.emit(s.Comment, line, docs)
}

// emit writes an instruction with the comment above and the here-documents
// below it, unless it cannot be said.
func (r *renderer) emit(comment, line string, docs []*irv1.Heredoc) {
	r.checkComment(comment)
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

// step returns the line of an instruction, and its here-documents.
func (r *renderer) step(s *irv1.Step) (string, []*irv1.Heredoc) {
	name := strings.ToUpper(opName(s)) + " "
	switch op := s.Op.(type) {
	case *irv1.Step_Run:
		return name + r.run(op.Run), op.Run.GetCommand().GetHeredocs()
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
		return name + r.volumes(op.Volume.GetWords()), nil
	case *irv1.Step_Shell:
		return name + r.json(op.Shell.GetWords()), nil
	case *irv1.Step_Cmd:
		return name + guard(r.command(op.Cmd)), nil
	case *irv1.Step_Entrypoint:
		return name + guard(r.command(op.Entrypoint)), nil
	case *irv1.Step_Healthcheck:
		return name + r.healthcheck(op.Healthcheck), nil
	case *irv1.Step_Onbuild:
		if c := op.Onbuild.GetComment(); c != "" {
			r.cannot(nil, "a comment on the instruction inside an ONBUILD", "")
		}
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
		b.WriteString(r.args(x.Env) + " ")
	}
	b.WriteString(guard(r.command(x.Command)))
	if x.Command.GetShell() && !begins(b.String(), x.Command.Heredocs) {
		r.cannot(x.Command.Words[0].GetRange(), "a command whose \"<<\" are not its here-documents", "")
	}
	return b.String()
}

func (r *renderer) copy(c *irv1.Copy) string {
	flags := r.flag("from", c.From) + r.flag("chown", c.Chown) + r.flag("chmod", c.Chmod) +
		r.toggle("link", c.Link) + r.toggle("parents", c.Parents) + r.flag("checksum", c.Checksum) +
		r.toggle("keep-git-dir", c.KeepGitDir) + r.toggle("unpack", c.Unpack)
	for _, x := range c.Exclude {
		flags += r.flag("exclude", x)
	}
	words := literal(c.Sources)
	for _, h := range c.Inline {
		words = append(words, r.heredoc(h))
	}
	words = append(words, c.Destination.GetText())
	plain := strings.Join(words, " ")
	switch {
	case isPlainList(words) && begins(flags+plain, c.Inline):
		return flags + guard(plain)
	case len(c.Inline) > 0:
		r.cannot(nil, "here-documents beside such paths", "copy them one by one")
	}
	return flags + r.json(append(append([]*irv1.Word{}, c.Sources...), c.Destination))
}

func (r *renderer) healthcheck(h *irv1.Healthcheck) string {
	if h.Test == nil {
		return "NONE"
	}
	return r.flag("interval", h.Interval) + r.flag("timeout", h.Timeout) + r.flag("start-period", h.StartPeriod) +
		r.flag("start-interval", h.StartInterval) + r.flag("retries", h.Retries) + "CMD " + r.command(h.Test)
}
