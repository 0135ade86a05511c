// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// InvalidError says which invariant of the IR a message breaks. It is a fault
// of whoever made the message, not of the user's source.
type InvalidError struct {
	// Path names the node: "container.stages[0].steps[2].run". "" is the whole
	// message.
	Path string
	// Problem is what is wrong with it.
	Problem string
}

// Error names the node and the problem.
func (e *InvalidError) Error() string {
	if e.Path == "" {
		return "invalid build: " + e.Problem
	}
	return "invalid build: " + e.Path + ": " + e.Problem
}

// Validate checks a build against all invariants of the source state: that it
// is closed, that its features are known and right, that what must be there is,
// and that every range points into a file of the build. The error is an
// *InvalidError. Validate says nothing about whether the build makes sense;
// Resolve does.
func Validate(b *irv1.Build) error {
	if b == nil {
		return &InvalidError{Problem: "it is missing"}
	}
	if open := b.Open(); open != "" {
		return openError(open)
	}
	v := &validator{files: uint32(len(b.Files)), features: b.Features}
	Walk(b, v.node)
	if v.err == nil {
		v.build(b)
	}
	if v.err != nil {
		return v.err
	}
	return nil
}

// openError splits what Open says into path and problem.
func openError(open string) *InvalidError {
	path, problem, _ := strings.Cut(open, ": ")
	return &InvalidError{Path: strings.TrimPrefix(path, "."), Problem: problem}
}

// validator remembers the first broken invariant.
type validator struct {
	files    uint32
	features []string
	err      *InvalidError
	onbuild  string // the path of the ONBUILD being checked
}

// require records a broken invariant unless it holds.
func (v *validator) require(ok bool, path, problem string) {
	if !ok && v.err == nil {
		v.err = &InvalidError{Path: path, Problem: problem}
	}
}

func (v *validator) build(b *irv1.Build) {
	v.require(len(b.Files) > 0, "files", "it names no file; the first one is the file that was parsed")
	for _, id := range b.Features {
		f, ok := LookupFeature(id)
		v.require(ok && f.Source, "features", quote(id)+" is not a known feature of a source build")
	}
	want := SourceFeatures(b)
	v.require(slices.Equal(b.Features, want), "features", "it does not list exactly what the build uses: "+strings.Join(want, " "))
	if c := b.GetContainer(); c != nil {
		v.container(c)
	}
}

func (v *validator) container(c *irv1.Container) {
	const path = "container"
	v.require(c.Escape == `\` || c.Escape == "`", path+".escape", "it is neither a backslash nor a backquote")
	v.require(len(c.Stages) > 0, path+".stages", "there is no stage")
	for i, s := range c.Args {
		v.require(s.GetArg() != nil, item(path, "args", i), "it is not an ARG")
	}
	for i, s := range c.Stages {
		p := item(path, "stages", i)
		v.require(s != nil, p, "it is missing")
		v.require(s.GetBase().GetText() != "", p+".base", "it is missing")
		v.require(s.GetName() == nil || s.Name.Text != "", p+".name", "it is empty")
		for j, step := range s.GetSteps() {
			v.require(step != nil, item(p, "steps", j), "it is missing")
		}
	}
}

// node checks one node that Walk visits.
func (v *validator) node(path string, node any) bool {
	for _, r := range rangesOf(node) {
		v.rangeOf(path, r)
	}
	switch n := node.(type) {
	case *irv1.Step:
		v.step(path, n)
	case *irv1.Run:
		v.require(n.Command != nil, path+".command", "it is missing")
		v.require(v.err != nil || n.Command.Shell || len(n.Command.Words) > 0, path+".command", "it is empty")
		v.all(path+".mounts", len(n.Mounts), func(i int) bool { return n.Mounts[i] != nil })
		v.all(path+".devices", len(n.Devices), func(i int) bool { return n.Devices[i] != nil })
		v.pairs(path+".env", n.Env, true)
	case *irv1.Copy:
		v.copy(path, n)
	case *irv1.Command:
		v.command(path, n)
	case *irv1.Heredoc:
		v.require(n.Name != "", path+".name", "it is missing")
		v.require(n.Content == "" || strings.HasSuffix(n.Content, "\n"), path+".content", "its last line has no end")
	case *irv1.Mount:
		v.pairs(path+".options", n.Options, false)
	case *irv1.Healthcheck:
		options := n.Interval != nil || n.Timeout != nil || n.StartPeriod != nil || n.StartInterval != nil || n.Retries != nil
		v.require(n.Test != nil || !options, path, "it has options but no test")
		v.require(n.Test == nil || len(n.Test.Words) > 0, path+".test", "it is empty")
	case *irv1.Wasm:
		v.pairs(path+".labels", n.Labels, true)
		for i, o := range n.Options {
			v.wasmOption(item(path, "options", i), o.GetName(), len(o.GetValues()))
			again := slices.ContainsFunc(n.Options[:i], func(p *irv1.WasmOption) bool { return p.GetName() == o.GetName() })
			v.require(!again, item(path, "options", i), "it is there twice")
		}
	}
	return v.err == nil
}

func (v *validator) step(path string, s *irv1.Step) {
	p := join(path, opName(s))
	nested := v.onbuild != "" && strings.HasPrefix(path, v.onbuild)
	v.require(!nested || s.GetOnbuild() == nil && opName(s) != "maintainer", p, "it cannot be a trigger of ONBUILD")
	switch op := s.Op.(type) {
	case *irv1.Step_Env:
		v.list(p, len(op.Env.GetPairs()))
		v.pairs(p, op.Env.GetPairs(), true)
	case *irv1.Step_Label:
		v.list(p, len(op.Label.GetPairs()))
		v.pairs(p, op.Label.GetPairs(), true)
	case *irv1.Step_Arg:
		v.list(p, len(op.Arg.GetPairs()))
		v.pairs(p, op.Arg.GetPairs(), false)
	case *irv1.Step_Expose:
		v.words(p, op.Expose.GetWords())
	case *irv1.Step_Volume:
		v.words(p, op.Volume.GetWords())
	case *irv1.Step_Shell:
		v.words(p, op.Shell.GetWords())
	case *irv1.Step_Onbuild:
		v.require(op.Onbuild != nil, p, "it is missing")
		v.onbuild = p
	default:
		v.require(operand(s), p, "it is missing")
	}
}

// operand says whether an instruction that is neither a list nor ONBUILD has its
// operand.
func operand(s *irv1.Step) bool {
	switch op := s.Op.(type) {
	case *irv1.Step_Run:
		return op.Run != nil
	case *irv1.Step_Copy:
		return op.Copy != nil && op.Copy.Checksum == nil && op.Copy.KeepGitDir == nil && op.Copy.Unpack == nil
	case *irv1.Step_Add:
		return op.Add != nil && op.Add.From == nil && op.Add.Parents == nil
	case *irv1.Step_Workdir:
		return op.Workdir != nil
	case *irv1.Step_User:
		return op.User != nil
	case *irv1.Step_Stopsignal:
		return op.Stopsignal != nil
	case *irv1.Step_Maintainer:
		return op.Maintainer != nil
	case *irv1.Step_Cmd:
		return op.Cmd != nil && len(op.Cmd.Heredocs) == 0
	case *irv1.Step_Entrypoint:
		return op.Entrypoint != nil && len(op.Entrypoint.Heredocs) == 0
	case *irv1.Step_Healthcheck:
		return op.Healthcheck != nil && len(op.Healthcheck.GetTest().GetHeredocs()) == 0
	}
	return false
}

// list requires a list that is not empty.
func (v *validator) list(path string, n int) { v.require(n > 0, path, "it is empty") }

// all requires every element of a list to be there.
func (v *validator) all(path string, n int, ok func(int) bool) {
	for i := range n {
		v.require(ok(i), path, "an element is missing")
	}
}

func (v *validator) words(path string, list []*irv1.Word) {
	v.list(path, len(list))
	v.all(path, len(list), func(i int) bool { return list[i] != nil })
}

// pairs requires every pair to have a key and, where values are not optional, a
// value.
func (v *validator) pairs(path string, list []*irv1.Pair, values bool) {
	v.all(path, len(list), func(i int) bool { return list[i].GetKey().GetText() != "" })
	v.all(path, len(list), func(i int) bool { return !values || list[i].GetValue() != nil })
}

func (v *validator) copy(path string, c *irv1.Copy) {
	v.require(len(c.Sources)+len(c.Inline) > 0, path+".sources", "it is empty")
	v.require(c.Destination != nil, path+".destination", "it is missing")
	v.all(path+".sources", len(c.Sources), func(i int) bool { return c.Sources[i] != nil })
	v.all(path+".exclude", len(c.Exclude), func(i int) bool { return c.Exclude[i] != nil })
	v.all(path+".inline", len(c.Inline), func(i int) bool { return c.Inline[i] != nil })
}

func (v *validator) command(path string, c *irv1.Command) {
	v.require(!c.Shell || len(c.Words) == 1, path+".words", "the shell form is not exactly one word")
	v.require(c.Shell || len(c.Heredocs) == 0, path+".heredocs", "the exec form has here-documents")
	v.all(path+".words", len(c.Words), func(i int) bool { return c.Words[i] != nil })
	v.all(path+".heredocs", len(c.Heredocs), func(i int) bool { return c.Heredocs[i] != nil })
}

// rangeOf checks that a range points into a file and does not end before it
// starts.
func (v *validator) rangeOf(path string, r *diagv1.Range) {
	if r.GetLine() == 0 {
		return
	}
	v.require(r.File < v.files, path+".range", "its file is not in the build")
	v.require(r.Column > 0 && r.ColumnUtf16 > 0 && r.EndColumn > 0 && r.EndColumnUtf16 > 0, path+".range", "columns count from 1")
	v.require(r.EndLine > r.Line || r.EndLine == r.Line && r.EndColumn >= r.Column, path+".range", "it ends before it starts")
}
