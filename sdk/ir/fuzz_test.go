// SPDX-License-Identifier: Apache-2.0

package ir_test

import (
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/ir/digest"
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
		tryResolve(t, b)
	})
}

// FuzzResolveWord puts text into one word of a build that resolves.
func FuzzResolveWord(f *testing.F) {
	for i, s := range []string{"$V", "../..", "1-2/udp", "${V%%*}", "a:b@c", "/./", "64g", "+3", "\xff", "9999999999", "u+x,-", "--", "\n"} {
		f.Add(uint(i), s)
	}
	f.Fuzz(func(t *testing.T, index uint, text string) {
		b := file(from("scratch AS base"), from("base", env("A=1"), workdir("/w"), expose("80"), volume("/v"), stopsignal("9"),
			mounted("type=cache,target=/c,size=1,mode=0,sharing=locked"), mounted("type=tmpfs,target=t,size=1m"),
			mounted("type=secret,id=s,source=,env=E"), mounted("from=base,source=s,target=/x,ro=true"),
			healthcheck(&irv1.Healthcheck{Test: shell("x"), Interval: w("1s"), Retries: w("1")}),
			copyOf(&irv1.Copy{From: w("base"), Chown: w("1"), Chmod: w("7"), Link: w("true"), Parents: w("true"), Exclude: ws("x")}, "a", "b"),
			addOf(&irv1.Copy{Checksum: w("x"), Unpack: w("true")}, "https://example.com", "b"), user("u"), label("a=b")))
		var words []*irv1.Word
		ir.Walk(b, func(_ string, node any) bool {
			if x, ok := node.(*irv1.Word); ok {
				words = append(words, x)
			}
			return true
		})
		words[index%uint(len(words))].Text = text
		tryResolve(t, b)
	})
}

func tryResolve(t *testing.T, b *irv1.Build) {
	// Mutated features would hardly ever be right.
	b.Features = ir.SourceFeatures(b)
	before := digest.Source(b) + ir.TextWithRanges(b)
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
	if digest.Source(b)+ir.TextWithRanges(b) != before {
		t.Error("the build was changed")
	}
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
		digest.Resolved(b)
		ir.Inputs(b)
		ir.Uses(b)
	})
}
