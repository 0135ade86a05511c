// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// textCase runs a vector about a language.
func (p *plugin) textCase(v *vectors.Frontend) suite.Case {
	c := vectorCase(v, append(based(), needsEnd)...)
	c.Run = func(ctx context.Context, t *suite.T) {
		got, err := p.understand(ctx, v)
		if err != nil {
			t.Fail(p.textProblem(v, err))
			return
		}
		t.Tracef("< needs\n%sdiagnostics\n%s", needText(got.needs), messages(v.File, got.response.GetDiagnostics()))
		for _, problem := range got.compare(v) {
			t.Fail(problem)
		}
		for _, x := range p.unreported(got.problems) {
			t.Fail(ruleProblem(got.request, x))
		}
	}
	return c
}

// needsEnd is the case about needs that never end.
const needsEnd = section + "rule-needs-end"

func (p *plugin) needsEndCase() suite.Case {
	return suite.Case{
		Name: needsEnd, About: "no text needs more than 8 rounds", Spec: []string{"F9"}, After: []string{first, section + "rule-needs-clean"},
		Run: func(ctx context.Context, t *suite.T) {
			for _, v := range p.texts {
				_, err := p.understand(ctx, v)
				var e *ending
				if errors.As(err, &e) && e.rule == "F9" {
					t.Fail(p.textProblem(v, err))
					return
				}
			}
		},
	}
}

// textProblem says why there is nothing to compare.
func (p *plugin) textProblem(v *vectors.Frontend, err error) suite.Problem {
	_, problem := askProblem(&frontendv1.ParseRequest{Content: v.Content}, err)
	problem.Want = v.Expect
	return problem
}

// understood is what a frontend said about a vector's build file in the end.
type understood struct {
	request  *frontendv1.ParseRequest
	response *frontendv1.ParseResponse
	needs    []*frontendv1.Need // all that were asked for, in order
	problems []diag.Problem     // in the answers of all rounds
}

// rounds is how often the host answers needs (SPEC F9).
const rounds = 8

// understand asks about a build file until nothing more is needed.
func (p *plugin) understand(ctx context.Context, v *vectors.Frontend) (*understood, error) {
	u := &understood{request: &frontendv1.ParseRequest{Name: v.File, Content: v.Content, Tokens: true}}
	for range rounds + 1 {
		a, err := p.resident.ask(ctx, u.request)
		if err != nil {
			return nil, err
		}
		u.problems = append(u.problems, check(u.request, a.ParseResponse)...)
		if u.response = a.ParseResponse; len(a.GetNeeds()) == 0 {
			return u, nil
		}
		for _, need := range a.GetNeeds() {
			u.needs = append(u.needs, need)
			u.request.Files = append(u.request.Files, reply(v.Context, need))
		}
	}
	err := endf("ok", "[F9] after %d rounds it still needs %s", rounds, strings.TrimSpace(needText(u.needs[len(u.needs)-1:])))
	err.rule = "F9"
	return nil, err
}

// outcome is the class of what came out.
func (u *understood) outcome() string {
	if diag.HasErrors(u.response.GetDiagnostics()) {
		return "diagnostics"
	}
	return "ok"
}

// results are what came out, in the forms that vectors have.
func (u *understood) results(v *vectors.Frontend) map[string]string {
	all := map[string]string{
		"@want.diag":    diagText(u.response.GetDiagnostics()),
		"@want.symbols": symbolText(u.response.GetSymbols()),
		"@want.tokens":  tokenText(v.Content, u.response.GetTokens()),
		"@want.fix":     fixed(v.Content, u.response.GetDiagnostics()),
		"@want.needs":   needText(u.needs),
	}
	if u.outcome() == "ok" {
		all["@want.ir"], all["@want.ranges"] = buildText(u.response.GetBuild())
	}
	return all
}

// compare returns what came out otherwise than the vector says. Where errors
// are not what was expected, nothing else is worth comparing.
func (u *understood) compare(v *vectors.Frontend) []suite.Problem {
	results := u.results(v)
	if got := u.outcome(); got != v.Expect {
		want, _ := v.Vector.File("@want.diag")
		return []suite.Problem{{
			Class: got, Message: fmt.Sprintf("the outcome is %s, and %s is expected", got, v.Expect),
			Input: shown(v.Content), Want: string(want), Got: messages(v.File, u.response.GetDiagnostics()),
		}}
	}
	var problems []suite.Problem
	for _, f := range v.Files {
		got, ok := results[f.Name]
		if want := string(f.Data); ok && got != want {
			problems = append(problems, suite.Problem{
				Class: u.outcome(), Message: difference(f.Name, want, got), Input: shown(v.Content), Want: want, Got: got,
			})
		}
	}
	if _, said := v.Vector.File("@want.diag"); !said && len(u.response.GetDiagnostics()) > 0 {
		problems = append(problems, suite.Problem{
			Class: u.outcome(), Message: "there are diagnostics, and none are expected", Input: shown(v.Content),
			Got: messages(v.File, u.response.GetDiagnostics()),
		})
	}
	return problems
}

// difference says in one sentence where two texts part.
func difference(name, want, got string) string {
	wants, gots := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(wants), len(gots)) {
		switch {
		case i >= len(gots) || i == len(gots)-1 && i < len(wants)-1 && gots[i] == "":
			return fmt.Sprintf("%s: line %d is missing: %.200s", name, i+1, wants[i])
		case i >= len(wants) || i == len(wants)-1 && i < len(gots)-1 && wants[i] == "":
			return fmt.Sprintf("%s: line %d is one too many: %.200s", name, i+1, gots[i])
		case wants[i] != gots[i]:
			return fmt.Sprintf("%s: line %d is %.200q, want %.200q", name, i+1, gots[i], wants[i])
		}
	}
	return name + " differs"
}

// shown is a text for people: as it is when it can be, else as a literal.
func shown(content []byte) string {
	const most = 4 << 10
	cut := content[:min(len(content), most)]
	for _, r := range string(cut) {
		if r != '\n' && r != '\t' && r < ' ' || r == '\ufeff' || r == '\ufffd' {
			return fmt.Sprintf("%q", cut)
		}
	}
	if len(cut) < len(content) {
		return fmt.Sprintf("%s… (%d bytes)", cut, len(content))
	}
	return string(cut)
}
