// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Walk calls visit for a message of the source IR and all messages inside it,
// parents first, in source order. root is a *irv1.Build, *irv1.Stage or
// *irv1.Step; visit gets pointers to those and to Container, Wasm, WasmOption, Run,
// Copy, Command, Heredoc, Mount, Healthcheck, Words, Pairs, Pair and Word, never
// nil ones. The path names the node, as in "container.stages[0].steps[2].run"; that
// of root is "". When visit returns false, what is inside the node is left out.
func Walk(root any, visit func(path string, node any) bool) {
	w := walker(visit)
	switch n := root.(type) {
	case *irv1.Build:
		w.build(n)
	case *irv1.Stage:
		w.stage("", n)
	case *irv1.Step:
		w.step("", n)
	}
}

type walker func(path string, node any) bool

// join joins a path and a field.
func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// item joins a path, a repeated field and an index.
func item(path, field string, i int) string {
	return join(path, field) + "[" + strconv.Itoa(i) + "]"
}

func (w walker) build(b *irv1.Build) {
	if b == nil || !w("", b) {
		return
	}
	if c := b.GetContainer(); c != nil && w("container", c) {
		for i, s := range c.Args {
			w.step(item("container", "args", i), s)
		}
		for i, s := range c.Stages {
			w.stage(item("container", "stages", i), s)
		}
	}
	if x := b.GetWasm(); x != nil && w("wasm", x) {
		w.word("wasm.language", x.Language)
		w.word("wasm.target", x.Target)
		w.word("wasm.output", x.Output)
		w.pairList("wasm", "labels", x.Labels)
		for i, o := range x.Options {
			if p := item("wasm", "options", i); o != nil && w(p, o) {
				w.wordList(p, "values", o.Values)
			}
		}
	}
}

func (w walker) stage(p string, s *irv1.Stage) {
	if s == nil || !w(p, s) {
		return
	}
	w.word(join(p, "base"), s.Base)
	w.word(join(p, "name"), s.Name)
	w.word(join(p, "platform"), s.Platform)
	for i, step := range s.Steps {
		w.step(item(p, "steps", i), step)
	}
}

func (w walker) step(p string, s *irv1.Step) {
	if s == nil || !w(p, s) {
		return
	}
	p = join(p, opName(s))
	switch op := s.Op.(type) {
	case *irv1.Step_Run:
		w.run(p, op.Run)
	case *irv1.Step_Copy:
		w.copy(p, op.Copy)
	case *irv1.Step_Add:
		w.copy(p, op.Add)
	case *irv1.Step_Env:
		w.pairs(p, op.Env)
	case *irv1.Step_Label:
		w.pairs(p, op.Label)
	case *irv1.Step_Arg:
		w.pairs(p, op.Arg)
	case *irv1.Step_Workdir:
		w.word(p, op.Workdir)
	case *irv1.Step_User:
		w.word(p, op.User)
	case *irv1.Step_Stopsignal:
		w.word(p, op.Stopsignal)
	case *irv1.Step_Maintainer:
		w.word(p, op.Maintainer)
	case *irv1.Step_Expose:
		w.words(p, op.Expose)
	case *irv1.Step_Volume:
		w.words(p, op.Volume)
	case *irv1.Step_Shell:
		w.words(p, op.Shell)
	case *irv1.Step_Cmd:
		w.command(p, op.Cmd)
	case *irv1.Step_Entrypoint:
		w.command(p, op.Entrypoint)
	case *irv1.Step_Healthcheck:
		w.healthcheck(p, op.Healthcheck)
	case *irv1.Step_Onbuild:
		w.step(p, op.Onbuild)
	}
}

func (w walker) run(p string, r *irv1.Run) {
	if r == nil || !w(p, r) {
		return
	}
	w.command(join(p, "command"), r.Command)
	for i, m := range r.Mounts {
		q := item(p, "mounts", i)
		if m != nil && w(q, m) {
			w.pairList(q, "options", m.Options)
		}
	}
	w.word(join(p, "network"), r.Network)
	w.word(join(p, "security"), r.Security)
	w.wordList(p, "devices", r.Devices)
	w.pairList(p, "env", r.Env)
}

func (w walker) copy(p string, c *irv1.Copy) {
	if c == nil || !w(p, c) {
		return
	}
	w.wordList(p, "sources", c.Sources)
	w.heredocs(p, "inline", c.Inline)
	w.word(join(p, "destination"), c.Destination)
	w.word(join(p, "from"), c.From)
	w.word(join(p, "chown"), c.Chown)
	w.word(join(p, "chmod"), c.Chmod)
	w.word(join(p, "link"), c.Link)
	w.word(join(p, "parents"), c.Parents)
	w.wordList(p, "exclude", c.Exclude)
	w.word(join(p, "checksum"), c.Checksum)
	w.word(join(p, "keep_git_dir"), c.KeepGitDir)
	w.word(join(p, "unpack"), c.Unpack)
}

func (w walker) healthcheck(p string, h *irv1.Healthcheck) {
	if h == nil || !w(p, h) {
		return
	}
	w.command(join(p, "test"), h.Test)
	w.word(join(p, "interval"), h.Interval)
	w.word(join(p, "timeout"), h.Timeout)
	w.word(join(p, "start_period"), h.StartPeriod)
	w.word(join(p, "start_interval"), h.StartInterval)
	w.word(join(p, "retries"), h.Retries)
}

func (w walker) command(p string, c *irv1.Command) {
	if c == nil || !w(p, c) {
		return
	}
	w.wordList(p, "words", c.Words)
	w.heredocs(p, "heredocs", c.Heredocs)
}

func (w walker) heredocs(p, field string, list []*irv1.Heredoc) {
	for i, h := range list {
		if h != nil {
			w(item(p, field, i), h)
		}
	}
}

func (w walker) words(p string, list *irv1.Words) {
	if list != nil && w(p, list) {
		w.wordList(p, "words", list.Words)
	}
}

func (w walker) wordList(p, field string, list []*irv1.Word) {
	for i, x := range list {
		w.word(item(p, field, i), x)
	}
}

func (w walker) word(p string, x *irv1.Word) {
	if x != nil {
		w(p, x)
	}
}

func (w walker) pairs(p string, list *irv1.Pairs) {
	if list != nil && w(p, list) {
		w.pairList(p, "pairs", list.Pairs)
	}
}

func (w walker) pairList(p, field string, list []*irv1.Pair) {
	for i, x := range list {
		q := item(p, field, i)
		if x != nil && w(q, x) {
			w.word(join(q, "key"), x.Key)
			w.word(join(q, "value"), x.Value)
		}
	}
}

// setRange sets the ranges of a node that Walk visits.
func setRange(node any, r *diagv1.Range) {
	switch n := node.(type) {
	case *irv1.Stage:
		n.Range = r
	case *irv1.Step:
		n.Range = r
	case *irv1.Wasm:
		n.Range = r
	case *irv1.WasmOption:
		n.Range = r
	case *irv1.Mount:
		n.Range = r
	case *irv1.Word:
		n.Range = r
	case *irv1.Heredoc:
		n.Range, n.Body = r, r
	}
}

// rangesOf returns the ranges of a node that Walk visits.
func rangesOf(node any) []*diagv1.Range {
	switch n := node.(type) {
	case *irv1.Stage:
		return []*diagv1.Range{n.Range}
	case *irv1.Step:
		return []*diagv1.Range{n.Range}
	case *irv1.Wasm:
		return []*diagv1.Range{n.Range}
	case *irv1.WasmOption:
		return []*diagv1.Range{n.Range}
	case *irv1.Mount:
		return []*diagv1.Range{n.Range}
	case *irv1.Word:
		return []*diagv1.Range{n.Range}
	case *irv1.Heredoc:
		return []*diagv1.Range{n.Range, n.Body}
	}
	return nil
}
