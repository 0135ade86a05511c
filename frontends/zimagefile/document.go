// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// document reads the top level.
type document struct {
	*parser
	top fields
}

// build checks the top level and reads the mode it is in. A file of several
// modes is read for its other problems.
func (d *document) build() *irv1.Build {
	d.version()
	mode := d.mode()
	if f := d.top.get("stages"); f != nil && mode != "stages" {
		d.readStages(f)
	}
	switch mode {
	case "wasm":
		return &irv1.Build{Kind: &irv1.Build_Wasm{Wasm: d.wasm()}}
	case "stages":
		return d.container(d.stages())
	case "":
		d.body(d.top, true)
		return nil
	default:
		return d.container(d.single())
	}
}

func (d *document) version() {
	f := d.top.get("version")
	n, ok := d.text(f)
	if !ok || n.value == "1" {
		return
	}
	x := d.error(n.span, "bad-version", "version "+quote(n.value)+" of the format is not known")
	x.Help = `the version is "1"`
	x.Fixes = []*diagv1.Fix{d.replace(`change it to "1"`, n.span, `"1"`)}
}

// mode returns the key that says what is built, after reporting that it is
// missing, not alone, or not yet supported.
func (d *document) mode() string {
	var found []*field
	for _, name := range modeKeys {
		if f := d.top.get(name); f != nil {
			found = append(found, f)
		}
	}
	if len(found) == 0 {
		d.noMode()
		return ""
	}
	for _, f := range found[1:] {
		x := d.error(f.key.span, "conflicting-keys", quote(f.name())+" cannot stand beside "+quote(found[0].name()))
		x.Help = "keep one of " + strings.Join(modeKeys, ", ")
		x.Related = []*diagv1.Related{{Range: d.rangeOf(found[0].key.span), Message: quote(found[0].name()) + " is here"}}
	}
	for _, f := range found {
		d.unsupportedMode(f)
	}
	return found[0].name()
}

// noMode reports a file that builds nothing, unless the misspelt key that would
// is reported already.
func (d *document) noMode() {
	if slices.ContainsFunc(d.top.guessed, func(s string) bool { return s != "" && slices.Contains(modeKeys, s) }) {
		return
	}
	d.error(d.wordAt(d.top.at.start), "nothing-to-build", "the file does not say what to build").Help = `add "base: IMAGE" with steps, or stages, or wasm`
}

func (d *document) unsupportedMode(f *field) {
	switch f.name() {
	case "build":
		d.unsupportedBuild(f)
	case "runtime":
		x := d.error(f.whole(), "unsupported", `"runtime" is not yet supported`)
		x.Help = `write "base" with the image of the language, and the steps`
		if name := strings.ToLower(f.value.value); name == "wasm" || name == "webassembly" {
			x.Help = `write "wasm: {target: preview1, language: go}"`
		}
	}
}

// unsupportedBuild refuses a nested build.
func (p *parser) unsupportedBuild(f *field) {
	p.error(f.whole(), "unsupported", `"build" is not yet supported`).Help =
		`build that folder to an image of its own first, and name the image with "base"`
}

// container puts together a container build. Backslash is the escape character
// of all words.
func (d *document) container(stages []*irv1.Stage) *irv1.Build {
	if len(stages) == 0 {
		return nil
	}
	return &irv1.Build{Kind: &irv1.Build_Container{Container: &irv1.Container{
		Escape: `\`,
		Args:   d.args(d.top.get("args")),
		Stages: stages,
	}}}
}

// single reads the one stage that the top level is. Its arguments hold in it
// too.
func (d *document) single() []*irv1.Stage {
	s := d.stage(d.top, nil, d.platform(d.top, nil))
	var inherited []*irv1.Step
	for _, arg := range d.args(d.top.get("args")) {
		pair := &irv1.Pair{Key: arg.GetArg().Pairs[0].Key}
		inherited = append(inherited, argStep(pair))
	}
	s.Steps = slices.Concat(inherited, d.body(d.top, true))
	return []*irv1.Stage{s}
}

// stages reads the stages. What the top level says beside them is for the last.
func (d *document) stages() []*irv1.Stage {
	if steps := d.top.get("steps"); steps != nil {
		d.error(steps.key.span, "misplaced-key", `"steps" cannot stand beside "stages"`).Help = "move the steps into a stage"
	}
	out := d.readStages(d.top.get("stages"))
	final := d.body(d.top, false)
	if len(out) > 0 {
		last := out[len(out)-1]
		last.Steps = append(last.Steps, final...)
	}
	return out
}

// readStages reads the stages alone.
func (d *document) readStages(f *field) []*irv1.Stage {
	if f.value.kind != mappingNode {
		d.wrongType(f, "a mapping of names to stages")
		return nil
	}
	entries := d.entries(f.value)
	if len(f.value.items) == 0 {
		d.error(f.place(), "nothing-to-build", "there are no stages").Help = `add one, as in "app: {base: alpine}"`
		return nil
	}
	d.stageNames(entries)
	common := d.platform(d.top, nil)
	var out []*irv1.Stage
	for i, x := range entries {
		d.current = i
		if s := d.namedStage(x, common); s != nil {
			out = append(out, s)
		}
	}
	if len(out) == len(entries) {
		d.warnRelative(out)
	}
	return out
}
