// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance"
	"github.com/zlayer/zlayer/conformance/suite"
)

// order is how statuses are listed: what a reader looks for comes first.
var order = []suite.Status{
	suite.Failed, suite.Blocked, suite.Warned, suite.Undeclared, suite.KnownFailing, suite.NotDeclared, suite.CannotRun, suite.Passed,
}

// tally is how often each status came out.
type tally map[suite.Status]int

func count(results []suite.Result) tally {
	t := tally{}
	for _, r := range results {
		t[r.Status]++
	}
	return t
}

// There lists the statuses that came out, in order.
func (t tally) There() []suite.Status {
	return slices.DeleteFunc(slices.Clone(order), func(s suite.Status) bool { return t[s] == 0 })
}

// String is "1 failed, 3 passed".
func (t tally) String() string {
	var list []string
	for _, s := range t.There() {
		list = append(list, fmt.Sprintf("%d %s", t[s], words(s)))
	}
	if len(list) == 0 {
		return "no case ran"
	}
	return strings.Join(list, ", ")
}

// words is a status as text: "not declared".
func words(s suite.Status) string { return strings.ReplaceAll(string(s), "-", " ") }

// section is what came of the cases of one section.
type section struct {
	Name    string
	Results []suite.Result
	Tally   tally
}

// Of lists the results with a status.
func (s section) Of(status suite.Status) []suite.Result {
	return slices.DeleteFunc(slices.Clone(s.Results), func(r suite.Result) bool { return r.Status != status })
}

// sections lists the sections of a report, as they came.
func sections(r *conformance.Report) []section {
	var list []section
	for _, result := range r.Results {
		name := suite.Section(result.Name)
		i := slices.IndexFunc(list, func(s section) bool { return s.Name == name })
		if i < 0 {
			i = len(list)
			list = append(list, section{Name: name})
		}
		list[i].Results = append(list[i].Results, result)
	}
	for i := range list {
		list[i].Tally = count(list[i].Results)
	}
	return list
}

// verdict is what a run says of the plugin.
func verdict(r *conformance.Report) string {
	switch {
	case !r.OK():
		return "does not conform"
	case !r.Whole:
		return "passes the chosen cases"
	}
	return "conforms"
}

// gist says in a line what came of a case.
func gist(r suite.Result) string {
	if r.Why == "" && len(r.Problems) > 0 {
		return line(r.Problems[0].Message)
	}
	return line(r.Why)
}
