// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Text prints a build, one node a line, without ranges. Two builds print the
// same exactly when they differ in nothing but ranges, file names and features.
func Text(b *irv1.Build) string { return text(b, false) }

// TextWithRanges is Text with the range of every node and word behind it:
// "@3:1-3:9", in bytes, followed by the columns in UTF-16 where they differ.
func TextWithRanges(b *irv1.Build) string { return text(b, true) }

func text(b *irv1.Build, ranges bool) string {
	p := &printer{ranges: ranges}
	if w := b.GetWasm(); w != nil {
		p.wasm(w)
	}
	if c := b.GetContainer(); c != nil {
		p.node("container")
		p.field("escape", c.Escape)
		p.WriteByte('\n')
		for _, s := range c.Args {
			p.step(s)
		}
		for i, s := range c.Stages {
			p.stage(i, s)
		}
	}
	return p.String()
}

func (p *printer) wasm(w *irv1.Wasm) {
	p.node("wasm")
	p.wordField("language", w.Language)
	p.wordField("target", w.Target)
	p.wordField("output", w.Output)
	p.end(w.Range)
	p.depth++
	for _, l := range w.Labels {
		p.pairNode("label", l)
	}
	for _, o := range w.Options {
		p.node(o.GetName())
		for _, v := range o.GetValues() {
			p.value(v.GetText())
			p.at(v.GetRange())
		}
		p.end(o.GetRange())
	}
	p.depth--
}

func (p *printer) stage(i int, s *irv1.Stage) {
	p.comment(s.Comment)
	p.node("stage")
	p.value(utoa(uint32(i)))
	p.wordField("from", s.Base)
	p.wordField("as", s.Name)
	p.wordField("platform", s.Platform)
	p.end(s.Range)
	p.source(s.Text)
	p.depth++
	for _, step := range s.Steps {
		p.step(step)
	}
	p.depth--
}

// comment prints the comment above a node, each line a line.
func (p *printer) comment(s string) {
	if s == "" {
		return
	}
	for line := range strings.SplitSeq(s, "\n") {
		p.node("# " + line)
		p.WriteByte('\n')
	}
}

// source prints the source text of a node.
func (p *printer) source(s string) {
	if s != "" {
		p.child("text", s)
	}
}

func (p *printer) step(s *irv1.Step) {
	p.comment(s.GetComment())
	p.node(opName(s))
	switch op := s.GetOp().(type) {
	case *irv1.Step_Run:
		p.run(op.Run, s)
	case *irv1.Step_Copy:
		p.copy(op.Copy, s)
	case *irv1.Step_Add:
		p.copy(op.Add, s)
	case *irv1.Step_Healthcheck:
		p.healthcheck(op.Healthcheck, s)
	case *irv1.Step_Onbuild:
		p.end(s.Range)
		p.source(s.Text)
		p.depth++
		p.step(op.Onbuild)
		p.depth--
	default:
		p.simple(s)
		p.end(s.GetRange())
		p.source(s.GetText())
	}
}

// simple prints the operand of an instruction that fits on its line.
func (p *printer) simple(s *irv1.Step) {
	switch op := s.GetOp().(type) {
	case *irv1.Step_Env:
		p.pairs(op.Env)
	case *irv1.Step_Label:
		p.pairs(op.Label)
	case *irv1.Step_Arg:
		p.pairs(op.Arg)
	case *irv1.Step_Workdir:
		p.word(op.Workdir)
	case *irv1.Step_User:
		p.word(op.User)
	case *irv1.Step_Stopsignal:
		p.word(op.Stopsignal)
	case *irv1.Step_Maintainer:
		p.word(op.Maintainer)
	case *irv1.Step_Expose:
		p.words(op.Expose.GetWords())
	case *irv1.Step_Volume:
		p.words(op.Volume.GetWords())
	case *irv1.Step_Shell:
		p.words(op.Shell.GetWords())
	case *irv1.Step_Cmd:
		p.command(op.Cmd)
	case *irv1.Step_Entrypoint:
		p.command(op.Entrypoint)
	}
}

func (p *printer) run(r *irv1.Run, s *irv1.Step) {
	p.wordField("network", r.Network)
	p.wordField("security", r.Security)
	for _, d := range r.Devices {
		p.wordField("device", d)
	}
	p.command(r.Command)
	p.end(s.Range)
	p.source(s.Text)
	p.depth++
	for _, m := range r.Mounts {
		p.node("mount")
		for _, o := range m.Options {
			p.pair(o)
		}
		p.end(m.Range)
	}
	for _, e := range r.Env {
		p.pairNode("env", e)
	}
	p.heredocs(r.Command.GetHeredocs())
	p.depth--
}

func (p *printer) copy(c *irv1.Copy, s *irv1.Step) {
	p.wordField("from", c.From)
	p.wordField("chown", c.Chown)
	p.wordField("chmod", c.Chmod)
	p.wordField("link", c.Link)
	p.wordField("parents", c.Parents)
	p.wordField("checksum", c.Checksum)
	p.wordField("keep-git-dir", c.KeepGitDir)
	p.wordField("unpack", c.Unpack)
	for _, x := range c.Exclude {
		p.wordField("exclude", x)
	}
	p.words(c.Sources)
	p.WriteString(" ->")
	if c.Destination != nil {
		p.word(c.Destination)
	}
	p.end(s.Range)
	p.source(s.Text)
	p.depth++
	p.heredocs(c.Inline)
	p.depth--
}

func (p *printer) healthcheck(h *irv1.Healthcheck, s *irv1.Step) {
	p.wordField("interval", h.Interval)
	p.wordField("timeout", h.Timeout)
	p.wordField("start-period", h.StartPeriod)
	p.wordField("start-interval", h.StartInterval)
	p.wordField("retries", h.Retries)
	if h.Test == nil {
		p.WriteString(" none")
	} else {
		p.command(h.Test)
	}
	p.end(s.Range)
	p.source(s.Text)
}

func (p *printer) command(c *irv1.Command) {
	if c == nil {
		return
	}
	if c.Shell {
		p.WriteString(" shell")
	} else {
		p.WriteString(" exec")
	}
	p.words(c.Words)
}

func (p *printer) heredocs(list []*irv1.Heredoc) {
	for _, h := range list {
		p.node("heredoc")
		p.value(h.Name)
		p.number("fd", int64(h.Fd))
		p.flag("expand", h.Expand)
		p.flag("strip-tabs", h.StripTabs)
		p.at(h.Range)
		p.end(h.Body)
		for line := range strings.Lines(h.Content) {
			p.child("|", line)
		}
	}
}

func (p *printer) words(list []*irv1.Word) {
	for _, w := range list {
		p.word(w)
	}
}

func (p *printer) word(w *irv1.Word) {
	p.value(w.GetText())
	p.at(w.GetRange())
}

// wordField prints " name=text" unless the word is absent.
func (p *printer) wordField(name string, w *irv1.Word) {
	if w != nil {
		p.field(name, w.Text)
		p.at(w.Range)
	}
}

func (p *printer) pairs(list *irv1.Pairs) {
	for _, x := range list.GetPairs() {
		p.pair(x)
	}
}

// pair prints " key" or " key=value".
func (p *printer) pair(x *irv1.Pair) {
	p.value(x.GetKey().GetText())
	p.at(x.GetKey().GetRange())
	if v := x.GetValue(); v != nil {
		p.WriteByte('=')
		p.WriteString(quoted(v.Text))
		p.at(v.Range)
	}
}

// pairNode prints a pair on a line of its own.
func (p *printer) pairNode(name string, x *irv1.Pair) {
	p.node(name)
	p.pair(x)
	p.WriteByte('\n')
}
