// SPDX-License-Identifier: Apache-2.0

package suite_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/conformance/suite"
)

// failing is a case that fails with messages.
func failing(name string, messages ...string) suite.Case {
	return suite.Case{Name: name, Run: func(_ context.Context, t *suite.T) {
		for _, m := range messages {
			t.Failf("ok", "%s", m)
		}
	}}
}

func TestKnown(t *testing.T) {
	cannot := with(named("s/cannot"), func(_ context.Context, t *suite.T) { t.CannotRun("no root") })
	should := suite.Case{Name: "s/should", Level: suite.Should, Run: fail}
	var many []suite.Case
	var lines string
	for i := range 21 {
		many = append(many, failing(fmt.Sprintf("m/%02d", i), "no"))
		lines += fmt.Sprintf("m/%02d  # no\n", i)
	}
	for name, test := range map[string]struct {
		list     string
		cases    []suite.Case
		statuses string
		stale    []string // when all cases ran
		partly   []string // when some were chosen
		fixed    string
	}{
		"nothing": {},
		"right": {"# why\n\n s/a  # two \r\ns/b\n", []suite.Case{failing("s/a", "one", "it is two\nor so"), failing("s/b", "any"), named("s/c")},
			"s/a known-failing, s/b known-failing, s/c passed", nil, nil, "# why\n\n s/a  # two \ns/b\n"},
		"new": {"s/a  # no\n", []suite.Case{failing("s/c", "c fails\nlong"), failing("s/b", "b fails # 1"), failing("s/a", "no")},
			"s/c failed, s/b failed, s/a known-failing", nil, nil, "s/a  # no\ns/b  # b fails # 1\ns/c  # c fails\n"},
		"passes": {"s/a  # no\n# more\ns/b\n", []suite.Case{named("s/a"), failing("s/b", "no")},
			"s/a passed, s/b known-failing", []string{"line 1: s/a does not fail, it is passed"}, []string{"line 1: s/a does not fail, it is passed"}, "# more\ns/b\n"},
		"only a warning": {"s/should", []suite.Case{should}, "s/should warned",
			[]string{"line 1: s/should does not fail, it is warned"}, []string{"line 1: s/should does not fail, it is warned"}, ""},
		"otherwise": {"s/b\ns/a  # no\n", []suite.Case{failing("s/a", "yes"), failing("s/b", "x")},
			"s/a failed, s/b known-failing", []string{"line 2: s/a fails otherwise: yes"}, []string{"line 2: s/a fails otherwise: yes"}, "s/b\ns/a  # yes\n"},
		"about nothing": {"s/gone  # no\n", []suite.Case{named("s/a")}, "s/a passed",
			[]string{"line 1: no case has the name s/gone"}, nil, ""},
		"twice": {"s/a\ns/a\n", []suite.Case{failing("s/a", "no")}, "s/a known-failing",
			[]string{"line 2: no case has the name s/a"}, nil, "s/a\n"},
		"pattern": {"s/a*  # no\n", []suite.Case{failing("s/a1", "no"), failing("s/a2", "so no")}, "s/a1 known-failing, s/a2 known-failing", nil, nil, "s/a*  # no\n"},
		"pattern in part": {"s/a*  # no\ns/b", []suite.Case{failing("s/a3", "no"), named("s/a2"), failing("s/a1", "yes"), failing("s/b", "x")},
			"s/a3 known-failing, s/a2 passed, s/a1 failed, s/b known-failing",
			[]string{"line 1: s/a1 fails otherwise: yes", "line 1: s/a2 does not fail, it is passed"},
			[]string{"line 1: s/a1 fails otherwise: yes", "line 1: s/a2 does not fail, it is passed"}, "s/a1  # yes\ns/a3  # no\ns/b\n"},
		"too much": {"m/*", many, "", []string{"line 1: it covers 21 cases, and may cover 20: name them"},
			[]string{"line 1: it covers 21 cases, and may cover 20: name them"}, lines},
		"not tried here": {"s/cannot\ns/after-*\n", []suite.Case{cannot, named("s/after-cannot", "s/cannot")},
			"s/cannot cannot-run, s/after-cannot cannot-run", nil, nil, "s/cannot\ns/after-*\n"},
		"behind a failure": {"s/b  # no\ns/c", []suite.Case{failing("s/a", "no"), named("s/b", "s/a"), failing("s/c", "no"), named("s/d", "s/c")},
			"s/a failed, s/b blocked, s/c known-failing, s/d known-failing", nil, nil, "s/b  # no\ns/c\ns/a  # no\n"},
	} {
		t.Run(name, func(t *testing.T) {
			known, err := suite.ParseKnown(test.list)
			if err != nil {
				t.Fatal(err)
			}
			results := suite.Run(t.Context(), test.cases, suite.Options{Known: known, Parallel: 3})
			if got := statuses(results); got != test.statuses && test.statuses != "" {
				t.Errorf("the results are\n%s, want\n%s", got, test.statuses)
			}
			if got := known.Stale(true); !slices.Equal(got, test.stale) {
				t.Errorf("stale is\n%q, want\n%q", got, test.stale)
			}
			if got := known.Stale(false); !slices.Equal(got, test.partly) {
				t.Errorf("stale is, for a part,\n%q, want\n%q", got, test.partly)
			}
			if got := known.Fixed(); got != test.fixed {
				t.Errorf("fixed is\n%s, want\n%s", got, test.fixed)
			}
			stays(t, known.Fixed(), test.cases)
		})
	}
}

// stays fails when a list is not right about cases.
func stays(t *testing.T, fixed string, cases []suite.Case) {
	t.Helper()
	known, err := suite.ParseKnown(fixed)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range suite.Run(t.Context(), cases, suite.Options{Known: known}) {
		if r.Status.Bad() {
			t.Errorf("with the fixed list, %s is %s", r.Name, r.Status)
		}
	}
	if stale := known.Stale(true); len(stale) > 0 || known.Fixed() != fixed {
		t.Errorf("the fixed list is not right: %q, then\n%s", stale, known.Fixed())
	}
}

func TestParseKnown(t *testing.T) {
	for text, want := range map[string]string{
		"# x\ns/[  # no": `line 2: "s/[" is no pattern of names`,
		"s/a no":         `line 1: "s/a no" is no pattern of names`,
	} {
		if _, err := suite.ParseKnown(text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// A known failure says which line knows it.
func TestKnownSaysLine(t *testing.T) {
	known, err := suite.ParseKnown("# first\ns/a\n")
	if err != nil {
		t.Fatal(err)
	}
	r := one(t, failing("s/a", "no"), suite.Options{Known: known})
	if r.Why != "line 2 of the list of known failures" || len(r.Problems) != 1 {
		t.Errorf("got %+v", r)
	}
	if !strings.Contains(r.Problems[0].Message, "no") {
		t.Error("the problem is gone")
	}
}
