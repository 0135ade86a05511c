// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// built changes builds that there are.
func built(change func(*irv1.Build)) fault {
	return fault{parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
		if r.GetBuild() != nil {
			change(r.Build)
		}
	}}
}

// stepped changes each step, and lists the features that the build then has.
func stepped(change func(*irv1.Step)) fault {
	return built(func(b *irv1.Build) {
		for _, s := range b.GetContainer().GetStages() {
			for _, step := range s.GetSteps() {
				change(step)
			}
		}
		b.Features = ir.SourceFeatures(b)
	})
}

// commanded changes each command.
func commanded(change func(*irv1.Command)) fault {
	return built(func(b *irv1.Build) {
		ir.Walk(b, func(_ string, node any) bool {
			if c, ok := node.(*irv1.Command); ok {
				change(c)
			}
			return true
		})
		b.Features = ir.SourceFeatures(b)
	})
}

// buildFaults break what every build must be.
func buildFaults() map[string]fault {
	return map[string]fault{
		"unknown-field": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			data, err := r.GetBuild().MarshalVT()
			if b := new(irv1.Build); r.GetBuild() != nil && err == nil && b.UnmarshalVT(append(data, 0xf8, 0x3f, 1)) == nil {
				r.Build = b
			}
		}},
		"step-of-nothing":   stepped(func(s *irv1.Step) { s.Op = nil }),
		"no-kind":           built(func(b *irv1.Build) { b.Kind = nil }),
		"feature-missing":   built(func(b *irv1.Build) { b.Features = b.Features[:max(0, len(b.Features)-1)] }),
		"feature-extra":     built(func(b *irv1.Build) { b.Features = append(b.Features, "wasm") }),
		"feature-unknown":   built(func(b *irv1.Build) { b.Features = append(b.Features, "zoo.example/steam") }),
		"features-unsorted": built(func(b *irv1.Build) { slices.Reverse(b.Features) }),
		"args-of-any-kind": built(func(b *irv1.Build) {
			if c := b.GetContainer(); c != nil && len(c.Stages) > 0 {
				c.Args = append(c.Args, c.Stages[0].Steps...)
			}
		}),
		"no-stages":           built(func(b *irv1.Build) { b.GetContainer().Stages = nil; b.Features = ir.SourceFeatures(b) }),
		"words-of-shell":      commanded(func(c *irv1.Command) { c.Words = append(c.Words, c.Words...) }),
		"onbuild-in-onbuild":  stepped(nest),
		"steps-without-range": stepped(func(s *irv1.Step) { s.Range = nil }),
		"step-range-outside":  stepped(func(s *irv1.Step) { s.Range.EndLine += 1000 }),
		"word-range-shifted": built(func(b *irv1.Build) {
			for _, s := range b.GetContainer().GetStages() {
				if r := s.GetBase().GetRange(); r.GetLine() != 0 {
					r.ColumnUtf16, r.EndColumnUtf16 = r.ColumnUtf16+1, r.EndColumnUtf16+1
				}
			}
		}),
		"nothing-understood": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			if !diag.HasErrors(r.GetDiagnostics()) {
				r.Build = nil
			}
		}},
	}
}

// nest puts a trigger into a trigger.
func nest(s *irv1.Step) {
	if inner := s.GetOnbuild(); inner != nil {
		s.Op = &irv1.Step_Onbuild{Onbuild: &irv1.Step{Range: inner.Range, Text: inner.Text, Op: &irv1.Step_Onbuild{Onbuild: inner}}}
	}
}

// needFaults ask for what they must not.
func needFaults() map[string]fault {
	wants := func(kind frontendv1.NeedKind, paths ...string) fault {
		return fault{parsed: func(_ *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			if len(q.GetFiles()) == 0 {
				r.Needs = append(r.Needs, &frontendv1.Need{Kind: kind, Paths: paths})
			}
		}}
	}
	return map[string]fault{
		"needs-above":     wants(frontendv1.NeedKind_NEED_KIND_READ, "../x"),
		"needs-absolute":  wants(frontendv1.NeedKind_NEED_KIND_READ, "/etc/passwd"),
		"needs-not-clean": wants(frontendv1.NeedKind_NEED_KIND_LIST, "a//b"),
		"needs-no-kind":   wants(0, "x"),
		"needs-nothing":   wants(frontendv1.NeedKind_NEED_KIND_READ),
		"needs-without-end": {parsed: func(_ *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			r.Needs = append(r.Needs, &frontendv1.Need{Kind: frontendv1.NeedKind_NEED_KIND_READ, Paths: []string{"x"}})
		}},
	}
}

// tokenFaults break tokens and symbols.
func tokenFaults() map[string]fault {
	tokens := func(change func(q *frontendv1.ParseRequest, r *frontendv1.ParseResponse)) fault {
		return fault{parsed: func(_ *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) { change(q, r) }}
	}
	return map[string]fault{
		"tokens-unasked": {ask: func(q *frontendv1.ParseRequest) { q.Tokens = true }},
		"tokens-overlap": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			r.Tokens = slices.Concat(r.Tokens, r.Tokens)
		}),
		"tokens-unsorted": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) { slices.Reverse(r.Tokens) }),
		"token-no-kind": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			for _, t := range r.Tokens {
				t.Kind = 0
			}
		}),
		"no-tokens":  tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) { r.Tokens = nil }),
		"no-symbols": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) { r.Symbols = nil }),
		"symbol-without-uses": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			for _, s := range r.Symbols {
				s.References = nil
			}
		}),
		"symbol-range-outside": tokens(func(_ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			for _, s := range r.Symbols {
				s.References = append(s.References, &diagv1.Range{Line: 99999, Column: 1, ColumnUtf16: 1, EndLine: 99999, EndColumn: 2, EndColumnUtf16: 2})
			}
		}),
	}
}
