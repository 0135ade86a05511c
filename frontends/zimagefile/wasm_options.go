// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// wasmOptions reads what is asked of the language's toolchain, in the order of
// the file. Whether the language has such an option is for the backends to say.
func (d *document) wasmOptions(in fields) (list []*irv1.WasmOption) {
	for _, x := range in.list {
		name, values := d.wasmOption(x)
		if len(values) > 0 {
			list = append(list, &irv1.WasmOption{Name: name, Values: values, Range: d.rangeOf(x.whole())})
		}
	}
	return list
}

// wasmOption reads one key. There are no values when it asks for nothing, or is
// none of these.
func (d *document) wasmOption(x *field) (name string, values []*irv1.Word) {
	switch x.name() {
	case "package":
		return ir.WasmPackage, d.one(x)
	case "program":
		return ir.WasmProgram, d.one(x)
	case "profile":
		return ir.WasmProfile, d.one(x)
	case "features":
		for _, n := range d.texts(x, true) {
			values = append(values, d.literal(n))
		}
		return ir.WasmFeatures, values
	case "default_features":
		return ir.WasmDefaultFeatures, d.withoutDefaults(x)
	case "build_args":
		return ir.WasmBuildArgs, d.buildArgs(x)
	}
	return "", nil
}

// one reads a text as the only value of an option.
func (d *document) one(x *field) []*irv1.Word {
	if n, ok := d.text(x); ok {
		return []*irv1.Word{d.literal(n)}
	}
	return nil
}

// withoutDefaults reads default_features; true is what holds without it.
func (d *document) withoutDefaults(x *field) []*irv1.Word {
	before := len(d.found)
	if d.boolean(x) || len(d.found) > before {
		return nil
	}
	return []*irv1.Word{{Text: "false", Range: d.rangeOf(x.value.span)}}
}

// buildArgs reads variables for the toolchain.
func (d *document) buildArgs(x *field) (values []*irv1.Word) {
	for _, p := range d.pairs(x, false, d.literal, d.literal) {
		w := &irv1.Word{Text: p.Key.Text + "=" + p.Value.Text, Range: p.Key.Range.CloneVT()}
		end := p.Value.Range
		w.Range.EndLine, w.Range.EndColumn, w.Range.EndColumnUtf16 = end.EndLine, end.EndColumn, end.EndColumnUtf16
		values = append(values, w)
	}
	return values
}
