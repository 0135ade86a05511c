// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/zlayer/zlayer/conformance/internal/engine"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// pureCases are those about the same request being given the same response.
func (p *plugin) pureCases() []suite.Case {
	list := []suite.Case{
		{
			Name: section + "pure-asked-again", About: "an instance gives the same bytes for the same request, also after others",
			Spec: []string{"F5"}, Run: p.again,
		},
		{
			Name: section + "pure-other-instance", About: "another instance, asked in another order, gives the same bytes",
			Spec: []string{"F5"}, Run: func(ctx context.Context, t *suite.T) { p.parity(ctx, t, p, backwards(p.requests())) },
		},
		{
			Name: section + "pure-arguments", About: "arguments change nothing",
			Spec: []string{"F6"}, Run: func(ctx context.Context, t *suite.T) {
				p.parity(ctx, t, p, p.requests(), "frontend", "--help", "-v", "/etc/passwd")
			},
		},
	}
	if len(p.Target.Engine) > 0 && filepath.Ext(p.Main) == ".wasm" {
		list = append(list, suite.Case{
			Name: section + "pure-engines", About: "both engines give the same bytes for all texts of the vectors and for 2,000 mutations of them",
			Spec: []string{"F5"}, Run: p.engines,
		})
	}
	for i := range list {
		list[i].After = []string{first, answered}
	}
	return list
}

// backwards returns requests in the opposite order.
func backwards(list []*frontendv1.ParseRequest) []*frontendv1.ParseRequest {
	slices.Reverse(list)
	return list
}

// again asks the resident instance for everything twice.
func (p *plugin) again(ctx context.Context, t *suite.T) {
	requests := p.requests()
	before := make([]*answer, len(requests))
	for i, request := range requests {
		before[i], _ = p.resident.ask(ctx, request)
	}
	for i, request := range slices.Backward(requests) {
		after, err := p.resident.ask(ctx, request)
		if before[i] != nil && different(t, request, before[i], after, err) {
			return
		}
	}
}

// parity asks the resident instance and a new one of another plugin, which may
// be the same one on another engine.
func (p *plugin) parity(ctx context.Context, t *suite.T, other *plugin, requests []*frontendv1.ParseRequest, args ...string) {
	s, err := other.start(args...)
	if err != nil {
		t.Fatalf("died", "another instance: %v", err)
	}
	defer func() { s.end() }()
	for i, request := range requests {
		here, err := p.resident.ask(ctx, request)
		there, errThere := s.ask(ctx, uint64(i)+1_000_000, request)
		if err != nil && errThere != nil { // what is answered nowhere has a case of its own
			s.end()
			if s, err = other.start(args...); err != nil {
				t.Fatalf("died", "another instance: %v", err)
			}
			continue
		}
		if err != nil {
			here, there, errThere = there, here, err
		}
		if different(t, request, here, there, errThere) {
			return
		}
	}
}

// different reports a second answer that is not the first.
func different(t *suite.T, request *frontendv1.ParseRequest, want, got *answer, err error) bool {
	problem := suite.Problem{Class: "ok", Input: shown(request.GetContent())}
	switch {
	case err != nil:
		problem.Class, problem.Message = "died", "the second answer is none: "+err.Error()
	case bytes.Equal(want.bytes, got.bytes):
		return false
	default:
		problem.Message = fmt.Sprintf("the second answer has other bytes: %d of them, the first one %d", len(got.bytes), len(want.bytes))
		problem.Want, problem.Got = summary(want), summary(got)
	}
	t.Fail(problem)
	return true
}

// summary is an answer as text, as far as it differs easily.
func summary(a *answer) string {
	plain, _ := buildText(a.GetBuild())
	return messages("", a.GetDiagnostics()) + plain
}

// engines compares the engine of the run with wazero.
func (p *plugin) engines(ctx context.Context, t *suite.T) {
	e, err := engine.Open(nil, p.Cache)
	if err != nil {
		t.Fatalf("suite", "%v", err)
	}
	defer e.Close()
	other := &plugin{Target: p.Target, engine: e}
	p.parity(ctx, t, other, slices.Concat(p.requests(), p.mutations(2000)))
}
