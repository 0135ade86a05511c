// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// apply resolves one step and adds it to the stage.
func (s *stage) apply(step *irv1.Step) {
	s.step = step
	if s.incomplete {
		s.discover(step)
		return
	}
	out := &irv1.ResolvedStep{Range: step.Range, Text: step.Text, Op: &irv1.ResolvedStep_Metadata{Metadata: &irv1.Metadata{}}}
	switch op := step.Op.(type) {
	case *irv1.Step_Run:
		out.Op = &irv1.ResolvedStep_Exec{Exec: s.exec(op.Run)}
	case *irv1.Step_Copy:
		out.Op = &irv1.ResolvedStep_Transfer{Transfer: s.transfer(op.Copy, false)}
	case *irv1.Step_Add:
		out.Op = &irv1.ResolvedStep_Transfer{Transfer: s.transfer(op.Add, true)}
	case *irv1.Step_Workdir:
		if dir := s.workdir(op.Workdir); dir != nil {
			out.Op = &irv1.ResolvedStep_MakeDir{MakeDir: dir}
		}
	default:
		s.configure(step)
	}
	s.out.Steps = append(s.out.Steps, out)
}

// discover looks for the images that a step of an incomplete stage needs.
func (s *stage) discover(step *irv1.Step) {
	if c := step.GetCopy(); c.GetFrom() != nil {
		s.from(c.From, "--from", true)
	}
	for _, m := range step.GetRun().GetMounts() {
		if w := mountOption(m, "from"); w != nil {
			s.from(w, "from", false)
		}
	}
}

// configure applies an instruction that only changes the configuration.
func (s *stage) configure(step *irv1.Step) {
	c := s.config
	switch op := step.Op.(type) {
	case *irv1.Step_Env:
		s.setEnv(op.Env)
	case *irv1.Step_Label:
		s.label(op.Label)
	case *irv1.Step_Arg:
		s.arg(op.Arg)
	case *irv1.Step_User:
		if v, ok := s.word(op.User); ok {
			c.User = v
		}
	case *irv1.Step_Stopsignal:
		s.stopSignal(op.Stopsignal)
	case *irv1.Step_Maintainer:
		c.Author = op.Maintainer.GetText()
	case *irv1.Step_Expose:
		s.expose(op.Expose)
	case *irv1.Step_Volume:
		s.volume(op.Volume)
	case *irv1.Step_Cmd:
		c.Cmd = s.commandLine(op.Cmd)
		s.cmdSet = true
	case *irv1.Step_Entrypoint:
		c.Entrypoint = s.commandLine(op.Entrypoint)
		if !s.cmdSet {
			c.Cmd = nil
		}
	case *irv1.Step_Shell:
		c.Shell = literal(op.Shell.GetWords())
	case *irv1.Step_Healthcheck:
		s.healthcheck(op.Healthcheck)
	case *irv1.Step_Onbuild:
		c.Onbuild = append(c.Onbuild, op.Onbuild.GetText())
	}
}

// word expands a word of the current step. What is undefined is empty, with a
// warning.
func (s *stage) word(w *irv1.Word) (string, bool) {
	at := orElse(w.GetRange(), s.step.GetRange())
	res, err := s.lex().Word(w.GetText(), envOf(s.env))
	if err != nil {
		s.expansionError(w, at, err)
		return "", false
	}
	s.warnUnset(res.Unset, at)
	return res.Text, true
}

// warnUnset warns about variables that nobody declared.
func (s *stage) warnUnset(names []string, at *diagv1.Range) {
	for _, name := range names {
		if !slices.Contains(s.declared, name) {
			s.warn("undefined-variable", at, "the variable "+quote(name)+" is not defined here", s.variableHelp(name))
		}
	}
}

// variableHelp says how an undefined variable may have been meant.
func (s *stage) variableHelp(name string) string {
	if _, ok := getEnv(s.args, name); ok {
		return "declare it in this stage: ARG " + name
	}
	return didYouMean(name, append(envKeys(s.env), s.declared...))
}

// literal returns the texts of words that are never expanded.
func literal(list []*irv1.Word) []string {
	var out []string
	for _, w := range list {
		out = append(out, w.GetText())
	}
	return out
}

// setEnv applies ENV. All values see the environment before it.
func (s *stage) setEnv(p *irv1.Pairs) {
	for _, kv := range s.pairs(p) {
		s.env = setEnv(s.env, kv.Key, kv.Value)
		s.config.Env = setEnv(s.config.Env, kv.Key, kv.Value)
	}
}

// pairs expands keys and values.
func (s *stage) pairs(p *irv1.Pairs) []*irv1.KeyValue {
	var out []*irv1.KeyValue
	for _, x := range p.GetPairs() {
		key, ok1 := s.word(x.Key)
		value, ok2 := s.word(x.Value)
		if !ok1 || !ok2 {
			continue
		}
		if key == "" {
			s.error("empty-name", orElse(x.Key.GetRange(), s.step.Range), "the name is empty after expanding "+quote(x.Key.GetText()), "")
			continue
		}
		out = append(out, &irv1.KeyValue{Key: key, Value: value})
	}
	return out
}

func (s *stage) label(p *irv1.Pairs) {
	for _, kv := range s.pairs(p) {
		i := slices.IndexFunc(s.config.Labels, func(x *irv1.KeyValue) bool { return x.Key == kv.Key })
		if i < 0 {
			s.config.Labels = append(s.config.Labels, kv)
		} else {
			s.config.Labels[i] = kv
		}
	}
}

// arg applies ARG: the value given for the build, else the default, else that
// of the same ARG before the first FROM. Each sees the ones before it.
func (s *stage) arg(p *irv1.Pairs) {
	for _, x := range p.GetPairs() {
		name := x.GetKey().GetText()
		value, ok := s.buildArg(name)
		if !ok && x.Value != nil {
			if value, ok = s.word(x.Value); !ok {
				continue
			}
		} else if !ok {
			value, ok = getEnv(s.args, name)
		}
		s.declared = append(s.declared, name)
		if ok && name != "BUILDKIT_SBOM_SCAN_CONTEXT" && name != "BUILDKIT_SBOM_SCAN_STAGE" {
			s.env = setEnv(s.env, name, value)
		}
	}
}

// workdir applies WORKDIR. It returns nil for the root, which is always there.
func (s *stage) workdir(w *irv1.Word) *irv1.MakeDir {
	v, ok := s.word(w)
	if !ok {
		return nil
	}
	dir := s.absolute(v)
	s.config.WorkingDir = dir
	if dir == "/" {
		return nil
	}
	return &irv1.MakeDir{Path: dir, Owner: s.config.User}
}

// absolute makes a path absolute by the working directory and cleans it.
func (s *stage) absolute(p string) string {
	if strings.HasPrefix(p, "/") {
		return path.Clean(p)
	}
	return path.Join("/", s.config.WorkingDir, p)
}

func (s *stage) volume(list *irv1.Words) {
	for _, w := range list.GetWords() {
		v, ok := s.word(w)
		switch {
		case !ok:
		case v == "":
			s.error("empty-volume", orElse(w.Range, s.step.Range), "the volume is empty after expanding "+quote(w.Text), "")
		default:
			s.config.Volumes = append(s.config.Volumes, v)
		}
	}
}

// commandLine returns the argument vector of CMD and ENTRYPOINT.
func (s *stage) commandLine(c *irv1.Command) []string {
	if !c.GetShell() {
		return literal(c.GetWords())
	}
	return s.withShell(strings.Join(literal(c.Words), " "))
}

// withShell wraps a command line in the stage's shell.
func (s *stage) withShell(line string) []string {
	shell := s.config.Shell
	switch {
	case len(shell) > 0:
	case s.out.Platform.GetOs() == "windows":
		shell = []string{"cmd", "/S", "/C"}
	default:
		shell = []string{"/bin/sh", "-c"}
	}
	return append(slices.Clone(shell), line)
}

// sortConfig puts what has no order into the order of the contract, each once.
func sortConfig(c *irv1.ImageConfig) {
	slices.SortFunc(c.Labels, func(a, b *irv1.KeyValue) int { return strings.Compare(a.Key, b.Key) })
	slices.Sort(c.ExposedPorts)
	slices.Sort(c.Volumes)
	c.ExposedPorts = slices.Compact(c.ExposedPorts)
	c.Volumes = slices.Compact(c.Volumes)
}
