// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"path"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// languages are those of the schema. Which of them can be built is for the
// backends to say.
var languages = []string{"rust", "go", "python", "typescript", "assemblyscript", "c", "zig"}

// wasmSupported are the keys of the wasm section that have an effect.
var wasmSupported = []string{
	"target", "language", "output", "package", "program", "profile", "features", "default_features", "build_args",
}

// wasm reads the wasm mode. nil when the section cannot be read.
func (d *document) wasm() *irv1.Wasm {
	d.besideWasm()
	f := d.top.get("wasm")
	w := &irv1.Wasm{
		Labels: d.pairs(d.top.get("labels"), false, d.literal, d.literal),
		Range:  d.rangeOf(f.whole()),
	}
	if f.value.isNull() {
		d.missingTarget(f.key.span)
		w.Language = d.detect(f)
		return w
	}
	in, ok := d.fields(f.value, `"wasm"`, wasmKeys)
	if !ok {
		return w
	}
	for _, x := range in.list {
		if !slices.Contains(wasmSupported, x.name()) {
			d.error(x.key.span, "unsupported", quote(x.name())+" is not yet supported").Help = "remove it; supported are " + strings.Join(wasmSupported, ", ")
		}
	}
	w.Target = d.target(f, in)
	w.Output = d.output(in.get("output"))
	w.Options = d.wasmOptions(in)
	w.Language = d.language(f, in)
	return w
}

// language reads the language, or finds it out when the key is not there.
func (d *document) language(f *field, in fields) *irv1.Word {
	x := in.get("language")
	if x == nil && !slices.Contains(in.guessed, "language") {
		return d.detect(f)
	}
	if n, ok := d.oneOf(x, languages); ok {
		return d.literal(n)
	}
	return nil
}

// besideWasm reports keys that say nothing about a module.
func (d *document) besideWasm() {
	for _, x := range d.top.list {
		if x.name() != "version" && x.name() != "labels" && !slices.Contains(modeKeys, x.name()) {
			d.error(x.key.span, "misplaced-key", quote(x.name())+` has no effect beside "wasm"`).Help = "remove it"
		}
	}
}

func (d *document) target(f *field, in fields) *irv1.Word {
	x := in.get("target")
	if x == nil {
		if !slices.Contains(in.guessed, "target") {
			d.missingTarget(f.key.span)
		}
		return nil
	}
	n, ok := d.oneOf(x, []string{"preview1", "preview2"})
	if !ok {
		return nil
	}
	if n.value == "preview2" {
		e := d.error(n.span, "unsupported", "the target preview2 is not yet supported")
		e.Help = `write "target: preview1"`
		e.Fixes = []*diagv1.Fix{d.replace("change preview2 to preview1", n.span, "preview1")}
		return nil
	}
	return d.literal(n)
}

// missingTarget reports that there is no target, which means preview2.
func (d *document) missingTarget(at span) {
	d.error(at, "unsupported", `"wasm" has no "target", which means preview2, and that is not yet supported`).Help = `add "target: preview1"`
}

// output reads where the module is also written: a path in the context.
func (d *document) output(f *field) *irv1.Word {
	n, ok := d.text(f)
	if !ok {
		return nil
	}
	clean := path.Clean(n.value)
	if path.IsAbs(clean) || clean == "." || clean == ".." || strings.HasPrefix(clean, "../") || strings.Contains(n.value, `\`) {
		d.error(n.span, "bad-path", quote(n.value)+" is not the path of a file in the build context").Help =
			`write a path relative to the context, with "/", as in "dist/app.wasm"`
		return nil
	}
	return d.literal(n)
}
