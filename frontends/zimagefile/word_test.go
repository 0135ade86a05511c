// SPDX-License-Identifier: Apache-2.0

package zimagefile_test

import (
	"slices"
	"strconv"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// TestValues says what texts come to in the image, by way of the resolver.
func TestValues(t *testing.T) {
	tests := []struct{ text, want string }{
		{`plain`, `plain`},
		{`it's "so"`, `it's "so"`},
		{`C:\app\new`, `C:\app\new`},
		{`a\`, `a\`},
		{`$A`, `aye`},
		{`${A}s`, `ayes`},
		{`"$A"`, `"aye"`},
		{`'$A'`, `'aye'`},
		{`\$A`, `$A`},
		{`\\$A`, `\$A`},
		{`$$A`, `$A`},
		{`$$$A`, `$aye`},
		{`100$`, `100$`},
		{`${NO:-it's "x" \ }`, `it's "x" \ `},
		{`${NO:-${A:+'$A'}}`, `'aye'`},
		{`${NO-$$}`, `$`},
		{`${A#a}`, `ye`},
		{`${A/y/o}`, `aoe`},
		{"two\nlines ", "two\nlines "},
		{``, ``},
	}
	for _, tt := range tests {
		src := "base: scratch\nargs: {A: aye}\nenv: {X: " + strconv.Quote(tt.text) + "}\n"
		res := parse(src)
		if len(res.Diagnostics) > 0 {
			t.Errorf("%q:\n%s", tt.text, lines(res))
			continue
		}
		r := ir.Resolve(res.Build, ir.Options{})
		env := r.Build.GetContainer().GetStages()
		if len(env) != 1 || !slices.Contains(env[0].Config.Env, "X="+tt.want) {
			t.Errorf("%q: got %v (%v), want %q", tt.text, env, r.Diagnostics, tt.want)
		}
	}
}

// TestCommandsAreLiteral: the shell, not the build, reads commands.
func TestCommandsAreLiteral(t *testing.T) {
	line := `echo "$HOME" '${x%-*}' \$y $$`
	res := parse("base: scratch\nsteps: [{run: " + strconv.Quote(line) + "}]\ncmd: [\"$HOME\", 'a\\b']\n")
	stage := ir.Resolve(res.Build, ir.Options{}).Build.GetContainer().GetStages()[0]
	if got := stage.Steps[0].GetExec().Argv; !slices.Equal(got, []string{"/bin/sh", "-c", line}) {
		t.Errorf("RUN: got %q", got)
	}
	if got := stage.Config.Cmd; !slices.Equal(got, []string{"$HOME", `a\b`}) {
		t.Errorf("CMD: got %q", got)
	}
}

// TestArgsReachTheOnlyStage: with one stage, top-level arguments hold in it;
// values given for the build win.
func TestArgsReachTheOnlyStage(t *testing.T) {
	res := parse("base: scratch\nargs: {A: one, B: two, C: }\nsteps: [{run: x}]\n")
	r := ir.Resolve(res.Build, ir.Options{BuildArgs: []*irv1.KeyValue{{Key: "B", Value: "given"}, {Key: "C", Value: "3"}}})
	env := r.Build.GetContainer().GetStages()[0].Steps
	got := env[len(env)-1].GetExec().Env
	for _, want := range []string{"A=one", "B=given", "C=3"} {
		if !slices.Contains(got, want) {
			t.Errorf("RUN sees %q, not %q", got, want)
		}
	}
}
