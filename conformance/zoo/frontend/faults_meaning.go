// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// meaningFaults are valid answers that mean something else.
func meaningFaults() map[string]fault {
	copied := func(change func(*irv1.Copy)) fault {
		return stepped(func(s *irv1.Step) {
			if c := s.GetCopy(); c != nil {
				change(c)
			}
		})
	}
	ran := func(change func(*irv1.Run)) fault {
		return stepped(func(s *irv1.Step) {
			if r := s.GetRun(); r != nil {
				change(r)
			}
		})
	}
	return map[string]fault{
		"copy-no-chown":    copied(func(c *irv1.Copy) { c.Chown = nil }),
		"copy-no-chmod":    copied(func(c *irv1.Copy) { c.Chmod = nil }),
		"copy-no-link":     copied(func(c *irv1.Copy) { c.Link = nil }),
		"copy-no-exclude":  copied(func(c *irv1.Copy) { c.Exclude = nil }),
		"copy-no-from":     copied(func(c *irv1.Copy) { c.From = nil }),
		"copy-first-only":  copied(func(c *irv1.Copy) { c.Sources = c.Sources[:min(1, len(c.Sources))] }),
		"copy-inline-last": copied(func(c *irv1.Copy) { c.Inline = c.Inline[max(0, len(c.Inline)-1):] }),
		"add-no-checksum": stepped(func(s *irv1.Step) {
			if a := s.GetAdd(); a != nil {
				a.Checksum = nil
			}
		}),
		"run-no-network":  ran(func(r *irv1.Run) { r.Network = nil }),
		"run-no-security": ran(func(r *irv1.Run) { r.Security = nil }),
		"run-no-devices":  ran(func(r *irv1.Run) { r.Devices = nil }),
		"run-last-mount":  ran(func(r *irv1.Run) { r.Mounts = r.Mounts[max(0, len(r.Mounts)-1):] }),
		"mount-no-flags": ran(func(r *irv1.Run) {
			for _, m := range r.Mounts {
				m.Options = slices.DeleteFunc(m.Options, func(p *irv1.Pair) bool { return p.GetValue() == nil })
			}
		}),
		"exec-is-shell": commanded(func(c *irv1.Command) {
			if !c.Shell && len(c.Words) > 0 {
				c.Shell, c.Words = true, []*irv1.Word{{Text: joined(c.Words), Range: c.Words[0].Range}}
			}
		}),
		"heredoc-expands":    heredocs(func(h *irv1.Heredoc) { h.Expand = true }),
		"heredoc-keeps-tabs": heredocs(func(h *irv1.Heredoc) { h.StripTabs = false }),
		"heredoc-trimmed":    heredocs(func(h *irv1.Heredoc) { h.Content = strings.TrimLeft(h.Content, " \t") }),
		"heredoc-stdin":      heredocs(func(h *irv1.Heredoc) { h.Fd = 0 }),
		"words-unquoted":     built(unquote),
		"stage-no-platform":  built(func(b *irv1.Build) { forStages(b, func(s *irv1.Stage) { s.Platform = nil }) }),
		"stage-no-name":      built(func(b *irv1.Build) { forStages(b, func(s *irv1.Stage) { s.Name = nil }) }),
		"stage-no-comment":   built(func(b *irv1.Build) { forStages(b, func(s *irv1.Stage) { s.Comment = "" }) }),
		"escape-ignored": built(func(b *irv1.Build) {
			if c := b.GetContainer(); c != nil {
				c.Escape = `\`
			}
		}),
		"args-lost":     built(func(b *irv1.Build) { b.GetContainer().Args = nil; b.Features = ir.SourceFeatures(b) }),
		"pairs-first":   stepped(firstPair),
		"ports-first":   stepped(func(s *irv1.Step) { firstWord(s.GetExpose()) }),
		"volumes-first": stepped(func(s *irv1.Step) { firstWord(s.GetVolume()) }),
		"shell-first":   stepped(func(s *irv1.Step) { firstWord(s.GetShell()) }),
		"retries-lost": stepped(func(s *irv1.Step) {
			if h := s.GetHealthcheck(); h != nil {
				h.Retries = nil
			}
		}),
		"onbuild-lost":     built(func(b *irv1.Build) { forStages(b, dropOnbuild); b.Features = ir.SourceFeatures(b) }),
		"text-not-joined":  {parsed: rawText},
		"word-range-whole": {parsed: wholeRanges},
		"comments-lost":    stepped(func(s *irv1.Step) { s.Comment = "" }),
	}
}

func joined(words []*irv1.Word) string {
	var list []string
	for _, w := range words {
		list = append(list, w.GetText())
	}
	return strings.Join(list, " ")
}

// heredocs changes each here-document.
func heredocs(change func(*irv1.Heredoc)) fault {
	return built(func(b *irv1.Build) {
		ir.Walk(b, func(_ string, node any) bool {
			if h, ok := node.(*irv1.Heredoc); ok {
				change(h)
			}
			return true
		})
	})
}

// unquote takes the quotes from words, which are to be kept.
func unquote(b *irv1.Build) {
	ir.Walk(b, func(_ string, node any) bool {
		if p, ok := node.(*irv1.Pair); ok && p.GetValue() != nil {
			p.Value.Text = strings.Trim(p.Value.Text, `"'`)
		}
		return true
	})
}

func forStages(b *irv1.Build, change func(*irv1.Stage)) {
	for _, s := range b.GetContainer().GetStages() {
		change(s)
	}
	b.Features = ir.SourceFeatures(b)
}

func dropOnbuild(s *irv1.Stage) {
	s.Steps = slices.DeleteFunc(s.Steps, func(s *irv1.Step) bool { return s.GetOnbuild() != nil })
}

func firstPair(s *irv1.Step) {
	for _, list := range []*irv1.Pairs{s.GetEnv(), s.GetLabel(), s.GetArg()} {
		if len(list.GetPairs()) > 1 {
			list.Pairs = list.Pairs[:1]
		}
	}
}

func firstWord(list *irv1.Words) {
	if len(list.GetWords()) > 1 {
		list.Words = list.Words[:1]
	}
}

// rawText keeps the lines of a step as they are.
func rawText(_ *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
	m := diag.NewMapper(q.GetContent())
	for _, s := range r.GetBuild().GetContainer().GetStages() {
		for _, step := range s.GetSteps() {
			if at := step.GetRange(); at.GetLine() != at.GetEndLine() && !strings.Contains(step.GetText(), "<<") {
				start, end := m.Offset(int(at.GetLine()), int(at.GetColumn())), m.Offset(int(at.GetEndLine()), int(at.GetEndColumn()))
				step.Text = string(bytes.TrimSpace(q.GetContent()[start:end]))
			}
		}
	}
}

// wholeRanges gives words the ranges of their steps.
func wholeRanges(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
	for _, s := range r.GetBuild().GetContainer().GetStages() {
		for _, step := range s.GetSteps() {
			ir.Walk(step, func(_ string, node any) bool {
				if w, ok := node.(*irv1.Word); ok && w.Range != nil {
					w.Range = step.GetRange()
				}
				return true
			})
		}
	}
}
