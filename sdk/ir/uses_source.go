// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// SourceFeatures returns the id of every feature that a build uses as far as
// its text says, sorted: what a frontend writes into Build.features. Values
// that hold a variable are not guessed at.
func SourceFeatures(b *irv1.Build) []string { return ids(SourceUses(b)) }

// SourceUses returns every place of a build that needs a feature, in source
// order.
func SourceUses(b *irv1.Build) []Use {
	u := &uses{stage: -1, step: -1}
	if w := b.GetWasm(); w != nil {
		u.wasm(w)
	}
	if c := b.GetContainer(); c != nil {
		u.container(c)
	}
	return u.list
}

func (u *uses) wasm(w *irv1.Wasm) {
	u.rng = w.Range
	u.need("wasm", nil)
	for _, x := range []*irv1.Word{w.Language, w.Target} {
		if x != nil {
			u.need("wasm."+x.Text, x.Range)
		}
	}
	for _, o := range w.Options {
		u.need("wasm."+o.GetName(), o.GetRange())
	}
}

func (u *uses) container(c *irv1.Container) {
	for i, s := range c.Args {
		u.step = i
		u.source(s)
	}
	for i, s := range c.Stages {
		u.stage, u.step, u.text, u.rng = i, -1, s.Text, s.Range
		u.needIf(i > 0, "stages", nil)
		u.word("from.platform", s.Platform)
		for j, step := range s.Steps {
			u.step = j
			u.source(step)
		}
	}
}

// word records a feature that is asked for by the presence of a word.
func (u *uses) word(id string, w *irv1.Word) {
	if w != nil {
		u.need(id, w.Range)
	}
}

func (u *uses) source(s *irv1.Step) {
	u.text, u.rng = s.GetText(), s.GetRange()
	switch op := s.GetOp().(type) {
	case *irv1.Step_Run:
		u.run(op.Run)
	case *irv1.Step_Copy:
		u.copy("copy", op.Copy)
	case *irv1.Step_Add:
		u.copy("add", op.Add)
	case *irv1.Step_Workdir:
		u.need("make-dir", nil)
	case *irv1.Step_Onbuild:
		u.need("onbuild", nil)
		u.source(op.Onbuild)
	case nil:
	default:
		u.need(opName(s), nil)
	}
}

// opName returns the lower-case name of an instruction. "" when it is unset.
func opName(s *irv1.Step) string {
	switch s.GetOp().(type) {
	case *irv1.Step_Run:
		return "run"
	case *irv1.Step_Copy:
		return "copy"
	case *irv1.Step_Add:
		return "add"
	case *irv1.Step_Env:
		return "env"
	case *irv1.Step_Label:
		return "label"
	case *irv1.Step_Arg:
		return "arg"
	case *irv1.Step_Workdir:
		return "workdir"
	case *irv1.Step_User:
		return "user"
	case *irv1.Step_Stopsignal:
		return "stopsignal"
	case *irv1.Step_Maintainer:
		return "maintainer"
	case *irv1.Step_Expose:
		return "expose"
	case *irv1.Step_Volume:
		return "volume"
	case *irv1.Step_Cmd:
		return "cmd"
	case *irv1.Step_Entrypoint:
		return "entrypoint"
	case *irv1.Step_Shell:
		return "shell"
	case *irv1.Step_Healthcheck:
		return "healthcheck"
	case *irv1.Step_Onbuild:
		return "onbuild"
	}
	return ""
}

func (u *uses) run(r *irv1.Run) {
	u.need("exec", nil)
	docs := r.GetCommand().GetHeredocs()
	u.needIf(len(docs) > 0, "heredoc", nil)
	u.needIf(interpreterScript(r.GetCommand()) != "", "exec.script", nil)
	for _, m := range r.GetMounts() {
		u.mount(m)
	}
	if n := r.GetNetwork(); n.GetText() == "none" || n.GetText() == "host" {
		u.need("exec.network."+n.GetText(), n.GetRange())
	}
	if s := r.GetSecurity(); s.GetText() == "insecure" {
		u.need("exec.security.insecure", s.GetRange())
	}
	for _, d := range r.GetDevices() {
		u.word("exec.device", d)
	}
	u.needIf(len(r.GetEnv()) > 0, "exec.env", nil)
}

func (u *uses) mount(m *irv1.Mount) {
	u.need("exec.mount", m.Range)
	kind, env := "bind", false
	for _, o := range m.Options {
		switch strings.ToLower(o.GetKey().GetText()) {
		case "type":
			kind = strings.ToLower(o.GetValue().GetText())
		case "env":
			env = true
		}
	}
	if _, ok := LookupFeature("exec.mount." + kind); ok {
		u.need("exec.mount."+kind, m.Range)
	}
	u.needIf(kind == "secret" && env, "exec.mount.secret.env", m.Range)
}

func (u *uses) copy(id string, c *irv1.Copy) {
	u.need(id, nil)
	u.word("copy.from", c.From)
	u.word("copy.chown", c.Chown)
	u.chmod(c.Chmod)
	u.flag("copy.link", c.Link)
	u.flag("copy.parents", c.Parents)
	for _, x := range c.Exclude {
		u.word("copy.exclude", x)
	}
	for _, h := range c.Inline {
		u.need("heredoc", h.Range)
		u.need("copy.inline", h.Range)
	}
	if id == "add" {
		u.add(c)
	}
}

func (u *uses) chmod(w *irv1.Word) {
	u.word("copy.chmod", w)
	symbolic := w != nil && !strings.Contains(w.Text, "$") && !isOctal(w.Text)
	u.needIf(symbolic, "copy.chmod.symbolic", w.GetRange())
}

// flag records a feature that a boolean flag turns on.
func (u *uses) flag(id string, w *irv1.Word) {
	u.needIf(w != nil && w.Text != "false", id, w.GetRange())
}

func (u *uses) add(c *irv1.Copy) {
	for _, s := range c.Sources {
		u.remote(s.Text, s)
	}
	u.word("add.checksum", c.Checksum)
	u.flag("add.keep-git-dir", c.KeepGitDir)
	u.word("add.unpack", c.Unpack)
}

// remote records what a source of ADD needs besides ADD itself.
func (u *uses) remote(source string, at *irv1.Word) {
	switch Remote(source) {
	case RemoteGit:
		u.need("add.git", at.GetRange())
	case RemoteURL:
		u.need("add.url", at.GetRange())
	}
}

// isOctal says whether a --chmod is a number rather than symbolic.
func isOctal(s string) bool {
	return s != "" && strings.Trim(s, "01234567") == ""
}
