// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"bytes"
	"path"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Parse asks a frontend, through the wire, what a file means, tokens and
// symbols included. It fails the test when the frontend panics or its answer
// breaks the specification, and returns the answer. The answer is nil when
// there was none.
func Parse(t testing.TB, f frontend.Frontend, name, content string) *frontendv1.ParseResponse {
	t.Helper()
	return ParseRequest(t, f, &frontendv1.ParseRequest{Name: name, Content: []byte(content), Tokens: true})
}

// ParseRequest is Parse with a whole request.
func ParseRequest(t testing.TB, f frontend.Frontend, r *frontendv1.ParseRequest) *frontendv1.ParseResponse {
	t.Helper()
	res, found := CheckFrontend(f, r)
	report(t, found)
	return res
}

// CheckFrontend is ParseRequest without a test: it returns the answer and what
// is wrong with it.
func CheckFrontend(f frontend.Frontend, r *frontendv1.ParseRequest) (*frontendv1.ParseResponse, []string) {
	var p problems
	client := frontend.NewClient(f)
	sent := r.CloneVT()
	res, err := client.Parse(r)
	if err != nil {
		p.addf("[F7] the frontend failed: %v", err)
		return nil, p
	}
	p.same(client, sent, res)
	p.response(sent, res)
	return res, p
}

// same checks that the same request gives the same response, also after
// another file.
func (p *problems) same(client *frontend.Client, r *frontendv1.ParseRequest, first *frontendv1.ParseResponse) {
	want, err := first.MarshalVT()
	if err != nil {
		p.addf("the response cannot be encoded: %v", err)
		return
	}
	other := &frontendv1.ParseRequest{Name: r.GetName(), Content: append([]byte("x\x00\n"), r.GetContent()...)}
	if _, err := client.Parse(other); err != nil {
		p.addf("[F7] the frontend failed for a changed file: %v", err)
		return
	}
	again, err := client.Parse(r)
	if err != nil {
		p.addf("[F5] the frontend failed when asked again: %v", err)
		return
	}
	got, err := again.MarshalVT()
	p.check(err == nil && bytes.Equal(got, want), "[F5] the same request gave another response when asked again")
}

func (p *problems) response(r *frontendv1.ParseRequest, res *frontendv1.ParseResponse) {
	at := newRanges(r, res)
	for _, found := range diag.Check(at.files, res.GetDiagnostics()) {
		p.addf("%s", found)
	}
	p.needs(res.GetNeeds())
	for i, t := range res.GetTokens() {
		p.check(t.GetKind() != 0, "tokens[%d] has no kind", i)
		at.check(p, t.GetRange(), "tokens[%d]", i)
		p.check(i == 0 || !overlaps(res.GetTokens()[i-1].GetRange(), t.GetRange()), "tokens[%d] overlaps the token before it", i)
	}
	for i, s := range res.GetSymbols() {
		p.check(s.GetKind() != 0 && s.GetName() != "", "symbols[%d] has no kind or no name", i)
		at.check(p, s.GetDefinition(), "symbols[%d].definition", i)
		for j, r := range s.GetReferences() {
			at.check(p, r, "symbols[%d].references[%d]", i, j)
		}
	}
	if len(res.GetNeeds()) > 0 || diag.HasErrors(res.GetDiagnostics()) {
		return // the build is provisional
	}
	if res.GetBuild() == nil {
		p.addf("[F8] neither a build nor an error")
		return
	}
	if err := ir.Validate(res.GetBuild()); err != nil {
		p.addf("[S1] the build is not valid: %v", err)
	}
	ir.Walk(res.GetBuild(), func(path string, node any) bool {
		for _, r := range nodeRanges(node) {
			at.check(p, r, "build.%s", path)
		}
		return true
	})
}

func (p *problems) needs(list []*frontendv1.Need) {
	for i, n := range list {
		p.check(n.GetKind() != 0, "needs[%d] has no kind", i)
		p.check(len(n.GetPaths()) > 0, "needs[%d] names no path", i)
		for _, path := range n.GetPaths() {
			p.check(inside(path), "[F9] needs[%d]: %q is not a clean path inside the context", i, path)
		}
	}
}

// inside says whether a path is relative, clean and does not leave its root.
func inside(p string) bool {
	return p != "" && p == path.Clean(p) && !path.IsAbs(p) && p != ".." && !strings.HasPrefix(p, "../")
}
