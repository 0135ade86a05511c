// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// FuzzResolve feeds mutated messages to everything that reads a source build:
// nothing panics, what Validate accepts resolves to what ValidateResolved
// accepts, and nothing changes its argument.
func FuzzResolve(f *testing.F) {
	for _, b := range []*irv1.Build{everything(), file(from("scratch", env("A=${B:-c}"), workdir("$A"), mounted("type=cache,target=x")))} {
		data, err := b.MarshalVT()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &irv1.Build{}
		if b.UnmarshalVT(data) != nil {
			return
		}
		// The mutated features would hardly ever be right.
		b.Features = ir.SourceFeatures(b)
		before := ir.DigestSource(b) + ir.TextWithRanges(b)
		valid := ir.Validate(b) == nil
		ir.Dockerfile(b)
		res := ir.Resolve(b, ir.Options{BuildArgs: args("V=2", "NONE=1"), Contexts: []ir.NamedContext{{Name: "x"}}})
		if !valid && res.Build != nil {
			t.Error("an invalid build was resolved")
		}
		if res.Build != nil {
			if err := ir.ValidateResolved(res.Build); err != nil {
				t.Errorf("%v\n%s\n%s", err, ir.Text(b), ir.TextResolved(res.Build))
			}
			ir.Inputs(res.Build)
		}
		if ir.DigestSource(b)+ir.TextWithRanges(b) != before {
			t.Error("the build was changed")
		}
	})
}

// FuzzValidateResolved feeds mutated messages to everything that reads a
// resolved build.
func FuzzValidateResolved(f *testing.F) {
	res := ir.Resolve(file(from("scratch AS a"), from("a", run("x"), copyFrom("a", "/x", "/y"), mounted("type=ssh"), expose("1"))), ir.Options{})
	data, err := res.Build.MarshalVT()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := &irv1.ResolvedBuild{}
		if b.UnmarshalVT(data) != nil {
			return
		}
		b.Features = ir.Features(b)
		_ = ir.ValidateResolved(b)
		ir.TextResolved(b)
		ir.Digest(b)
		ir.Inputs(b)
		ir.Uses(b)
	})
}
