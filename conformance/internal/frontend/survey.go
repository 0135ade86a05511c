// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// rules are the sentences of SPEC.md that every answer is held against. Each
// has a case of its own, which looks at the answers about all texts of the
// vectors, so that what one sentence is broken by is one failure.
var rules = []struct{ id, name, about string }{
	{answers, "rule-answered", "every text is answered, and not by a failure"},
	{"D1", "rule-diagnostics-whole", "diagnostics have a severity, a kebab-case code and a message"},
	{"D2", "rule-ranges-inside", "ranges lie in their file and do not end before they start"},
	{"D3", "rule-columns-agree", "columns in bytes and in UTF-16 units name the same place"},
	{"D4", "rule-diagnostics-in-order", "diagnostics are in the order of the file"},
	{"D5", "rule-fixes-do-not-overlap", "the edits of a fix do not overlap"},
	{"S1", "rule-build-closed", "a build has no unknown field and no unset oneof"},
	{"S9", "rule-build-whole", "a build has all that its nodes may not lack"},
	{"S2", "rule-features-exact", "a build lists exactly the features that it uses"},
	{"S3", "rule-stages", "a container build has a stage, and only ARG before the first"},
	{"S5", "rule-shell-one-word", "a command in shell form is one word"},
	{"S6", "rule-onbuild-not-nested", "no onbuild is inside another"},
	{"S8", "rule-nodes-have-ranges", "stages, steps and here-documents have a range"},
	{"F8", "rule-build-or-error", "there is a build or an error"},
	{"F9", "rule-needs-clean", "what is needed is asked for by known kinds and clean relative paths"},
	{"F14", "rule-tokens-in-order", "tokens have a kind, are in order, do not overlap, and are there only when asked for"},
}

// based are the rules without which no comparison of what a text means says
// anything.
func based() []string {
	list := []string{first}
	for _, r := range rules {
		if slices.Contains([]string{"D1", "D2", "S1", "S9", "F8"}, r.id) {
			list = append(list, section+r.name)
		}
	}
	return list
}

// survey is what all texts of the vectors come to.
type survey struct {
	once sync.Once
	// found are the problems by rule, at most a few each.
	found map[string][]suite.Problem

	mu       sync.Mutex
	reported map[string]bool // rules whose problems have a case that reports them
}

// answers is the sentence that every text has an answer, answered its case.
const (
	answers  = "F7"
	answered = section + "rule-answered"
)

// maxFound is how many problems a rule reports.
const maxFound = 5

func (p *plugin) ruleCases() []suite.Case {
	var list []suite.Case
	for _, r := range rules {
		list = append(list, suite.Case{
			Name: section + r.name, About: r.about, Spec: []string{r.id}, After: []string{first},
			Run: func(ctx context.Context, t *suite.T) {
				for _, problem := range p.report(ctx, r.id) {
					t.Fail(problem)
				}
			},
		})
	}
	return list
}

// report returns what the survey says about a rule, and notes that it is said.
func (p *plugin) report(ctx context.Context, rule string) []suite.Problem {
	p.survey.once.Do(func() { p.survey.found = p.look(ctx) })
	p.survey.mu.Lock()
	defer p.survey.mu.Unlock()
	if p.survey.reported == nil {
		p.survey.reported = map[string]bool{}
	}
	found := p.survey.found[rule]
	p.survey.reported[rule] = len(found) > 0
	return found
}

// unreported leaves out what a case about the rule has reported.
func (p *plugin) unreported(problems []diag.Problem) []diag.Problem {
	p.survey.mu.Lock()
	defer p.survey.mu.Unlock()
	return slices.DeleteFunc(problems, func(x diag.Problem) bool { return p.survey.reported[x.Rule] })
}

// look asks for everything, until too much is not answered: waiting takes long.
func (p *plugin) look(ctx context.Context) map[string][]suite.Problem {
	found := map[string][]suite.Problem{}
	add := func(rule string, problem suite.Problem) {
		if len(found[rule]) < maxFound {
			found[rule] = append(found[rule], problem)
		}
	}
	for _, request := range p.requests() {
		for _, tokens := range []bool{true, false} {
			request.Tokens = tokens
			a, err := p.resident.ask(ctx, request)
			if err != nil {
				rule, problem := askProblem(request, err)
				if add(rule, problem); problem.Class == "timeout" || len(found[answers]) == maxFound {
					return found
				}
				continue
			}
			for _, x := range check(request, a.ParseResponse) {
				add(x.Rule, ruleProblem(request, x))
			}
		}
	}
	return found
}

// askProblem says why a text has no answer, and what sentence that breaks.
func askProblem(request *frontendv1.ParseRequest, err error) (rule string, problem suite.Problem) {
	rule, class := answers, "suite"
	var e *ending
	if errors.As(err, &e) {
		rule, class = cmp.Or(e.rule, answers), e.class
	}
	return rule, suite.Problem{Class: class, Message: err.Error(), Input: shown(request.GetContent())}
}

// ruleProblem says what an answer breaks.
func ruleProblem(request *frontendv1.ParseRequest, x diag.Problem) suite.Problem {
	return suite.Problem{Class: "ok", Message: x.String(), Input: shown(request.GetContent())}
}

// requests are one request for each text of the vectors, and for some that have
// no meaning in any language.
func (p *plugin) requests() []*frontendv1.ParseRequest {
	var list []*frontendv1.ParseRequest
	for _, v := range p.texts {
		list = append(list, &frontendv1.ParseRequest{Name: v.File, Content: v.Content, Tokens: true})
	}
	for _, text := range strange {
		list = append(list, &frontendv1.ParseRequest{Name: p.file, Content: []byte(text), Tokens: true})
	}
	return list
}

// strange are texts for every frontend.
var strange = []string{
	"", "\n", "a", "\r\n\r\n", "\ufeff", "\ufeffa: b\n", "\ufeff\ufeffFROM x", "a\x00b", "\xff\xfea\x00", "é: 😀 \xff x\n😀😀 é\n",
	"FROM scratch\n", "FROM 😀\nRUN é 😀 x", "base: scratch\n", "a: [é, 😀, \"", "\tx", "# é😀\n\t😀 = é\r\n", "\\\n\\", "<<A\n", "{", "[[[[", "\"", "'",
}
