// SPDX-License-Identifier: Apache-2.0

package suite_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
)

func pass(context.Context, *suite.T) {}

func fail(_ context.Context, t *suite.T) { t.Failf("source", "it is wrong") }

// named is a case that passes.
func named(name string, after ...string) suite.Case {
	return suite.Case{Name: name, After: after, Run: pass}
}

// with gives a case another function.
func with(c suite.Case, run func(context.Context, *suite.T)) suite.Case {
	c.Run = run
	return c
}

// statuses lists results as "NAME STATUS".
func statuses(results []suite.Result) string {
	var list []string
	for _, r := range results {
		list = append(list, r.Name+" "+string(r.Status))
	}
	return strings.Join(list, ", ")
}

// one runs one case and returns its result.
func one(t *testing.T, c suite.Case, o suite.Options) suite.Result {
	t.Helper()
	results := suite.Run(t.Context(), []suite.Case{c}, o)
	if len(results) != 1 {
		t.Fatalf("%d results, want one", len(results))
	}
	return results[0]
}

// What a case says makes its status.
func TestStatus(t *testing.T) {
	needs := func(then func(*suite.T)) func(context.Context, *suite.T) {
		return func(_ context.Context, t *suite.T) { t.Needs("there", "absent", "absent"); then(t) }
	}
	class := func(class string) func(*suite.T) {
		return func(t *suite.T) { t.Failf(class, "no") }
	}
	for _, test := range []struct {
		name     string
		level    suite.Level
		run      func(context.Context, *suite.T)
		status   suite.Status
		why      string
		problems int
	}{
		{"nothing", "", pass, suite.Passed, "", 0},
		{"problem", "", fail, suite.Failed, "", 1},
		{"should", suite.Should, fail, suite.Warned, "", 1},
		{"several", "", func(c context.Context, t *suite.T) { fail(c, t); fail(c, t) }, suite.Failed, "", 2},
		{"fatal", "", func(_ context.Context, t *suite.T) { t.Fatalf("ok", "no"); t.Failf("ok", "more") }, suite.Failed, "", 1},
		{"works undeclared", "", needs(func(*suite.T) {}), suite.Undeclared, "works, and is not declared: absent", 0},
		{"refused", "", needs(class("unsupported")), suite.NotDeclared, "not declared: absent", 0},
		{"refused, should", suite.Should, needs(class("unsupported")), suite.NotDeclared, "not declared: absent", 0},
		{"undeclared and wrong", "", needs(class("ok")), suite.Failed, "", 1},
		{"undeclared and dead", "", needs(class("died")), suite.Failed, "", 1},
		{"undeclared and slow", "", needs(class("timeout")), suite.Failed, "", 1},
		{"undeclared and leaking", "", needs(class("leak")), suite.Failed, "", 1},
		{"machine", "", func(_ context.Context, t *suite.T) { t.CannotRun("no %s", "root"); t.Failf("ok", "no") }, suite.CannotRun, "no root", 0},
		{"machine after a problem", "", func(c context.Context, t *suite.T) { fail(c, t); t.CannotRun("no root") }, suite.Failed, "", 1},
		{"panic", "", func(context.Context, *suite.T) { panic("oh") }, suite.Failed, "", 1},
		{"panic, should", suite.Should, func(context.Context, *suite.T) { panic("oh") }, suite.Failed, "", 1},
		{"panic, undeclared", "", needs(func(*suite.T) { panic("oh") }), suite.Failed, "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := suite.Case{Name: "a/b", About: "about", Spec: []string{"B1"}, Level: test.level, Input: "in", Run: test.run}
			r := one(t, c, suite.Options{Declared: func(f string) bool { return f == "there" }})
			if r.Status != test.status || r.Why != test.why || len(r.Problems) != test.problems {
				t.Errorf("got %s %q %v, want %s %q and %d problems", r.Status, r.Why, r.Problems, test.status, test.why, test.problems)
			}
			if r.Name != "a/b" || r.About != "about" || r.Spec[0] != "B1" {
				t.Errorf("the result is not the case's: %+v", r)
			}
			if (r.Input != "") != (test.problems > 0) {
				t.Errorf("the input of %d problems is %q", test.problems, r.Input)
			}
		})
	}
}

func TestPanicSaysWhere(t *testing.T) {
	p := one(t, suite.Case{Name: "a/b", Run: func(context.Context, *suite.T) { panic("oh") }}, suite.Options{}).Problems[0]
	if p.Class != "suite" || p.Message != "the suite itself broke: oh" || !strings.Contains(p.Got, "run_test.go") {
		t.Errorf("got %+v", p)
	}
}

// What a case comes after decides it, through any number of cases.
func TestBlocking(t *testing.T) {
	known, err := suite.ParseKnown("s/known")
	if err != nil {
		t.Fatal(err)
	}
	cases := []suite.Case{
		with(named("s/bad"), fail), named("s/after-bad", "s/bad"), named("s/after-after-bad", "s/after-bad", "s/known"),
		with(named("s/known"), fail), named("s/after-known", "s/known"), named("s/after-after-known", "s/after-known"),
		with(named("s/machine"), func(_ context.Context, t *suite.T) { t.CannotRun("no root") }), named("s/after-machine", "s/machine"),
		with(named("s/lacks"), func(_ context.Context, t *suite.T) { t.Needs("x"); t.Failf("unsupported", "no") }), named("s/after-lacks", "s/lacks"),
		{Name: "s/should", Level: suite.Should, Run: fail}, named("s/after-should", "s/should"),
		named("s/after-itself", "s/after-itself"), named("s/after-nothing", "s/nothing"),
	}
	want := map[string]string{
		"s/after-bad": "blocked: blocked by s/bad", "s/after-after-bad": "blocked: blocked by s/bad",
		"s/after-known":       "known-failing: blocked by s/known, which is known to fail",
		"s/after-after-known": "known-failing: blocked by s/after-known, which is known to fail",
		"s/after-machine":     "cannot-run: no root", "s/after-lacks": "not-declared: not declared: x",
		"s/after-should": "passed: ", "s/after-itself": "passed: ", "s/after-nothing": "passed: ",
	}
	for parallel := range 5 {
		got := suite.Run(t.Context(), cases, suite.Options{Parallel: parallel, Known: known, Declared: func(string) bool { return false }})
		for _, r := range got {
			if w, ok := want[r.Name]; ok && w != string(r.Status)+": "+r.Why {
				t.Errorf("%d at once: %s is %s: %s, want %s", parallel, r.Name, r.Status, r.Why, w)
			}
		}
	}
}

// However cases come after each other, all get a result, each after those that
// it comes after, and none begins before them.
func TestOrder(t *testing.T) {
	for name, cases := range map[string][]suite.Case{
		"later":    {named("a", "d", "c"), named("b", "c"), named("c", "d"), named("d")},
		"circle":   {named("a", "b"), named("b", "c"), named("c", "a"), named("d", "a", "b", "c")},
		"twice":    {named("a", "b", "b"), named("b"), named("a", "b")},
		"all":      {named("a", "b", "c", "d"), named("b", "a", "c", "d"), named("c", "a", "b", "d"), named("d", "a", "b", "c")},
		"backward": chain(500),
	} {
		for _, parallel := range []int{0, 1, 2, 16} {
			t.Run(fmt.Sprintf("%s %d", name, parallel), func(t *testing.T) {
				runInOrder(t, cases, parallel, name == "later" || name == "backward")
			})
		}
	}
}

// chain is n cases, each of which comes after the next one.
func chain(n int) []suite.Case {
	var cases []suite.Case
	for i := range n {
		cases = append(cases, named(fmt.Sprint(i), fmt.Sprint(i+1)))
	}
	return cases
}

func runInOrder(t *testing.T, cases []suite.Case, parallel int, strict bool) {
	var mu sync.Mutex
	var began []string
	var noted []suite.Case
	for _, c := range cases {
		noted = append(noted, with(c, func(context.Context, *suite.T) {
			mu.Lock()
			defer mu.Unlock()
			began = append(began, c.Name)
		}))
	}
	var reported []suite.Result
	results := suite.Run(t.Context(), noted, suite.Options{Parallel: parallel, OnResult: func(r suite.Result) { reported = append(reported, r) }})
	if statuses(results) != statuses(reported) || len(results) != len(cases) {
		t.Errorf("the results are %s, reported were %s", statuses(results), statuses(reported))
	}
	place := func(name string) int {
		return slices.IndexFunc(results, func(r suite.Result) bool { return r.Name == name })
	}
	for _, c := range cases {
		if i := place(c.Name); i < 0 || results[i].Status != suite.Passed {
			t.Errorf("the result of %s is missing, or not passed", c.Name)
		}
		for _, before := range c.After {
			if at := slices.Index(began, before); strict && at > slices.Index(began, c.Name) {
				t.Errorf("%s began before %s", c.Name, before)
			}
			if strict && place(before) > place(c.Name) {
				t.Errorf("%s is reported before %s", c.Name, before)
			}
		}
	}
}

// As many cases as allowed run at once, and one that runs alone does.
func TestParallel(t *testing.T) {
	const parallel = 4
	var running, most atomic.Int32
	var together sync.WaitGroup // the first ones wait for each other
	together.Add(parallel)
	var cases []suite.Case
	for i := range 30 {
		c := suite.Case{Name: fmt.Sprint(i), Alone: i%10 == 5}
		c.Run = func(_ context.Context, t *suite.T) {
			n := running.Add(1)
			defer running.Add(-1)
			if c.Alone && n != 1 {
				t.Failf("ok", "%d others run", n-1)
			}
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			if i < parallel {
				together.Done()
				together.Wait()
			}
			time.Sleep(time.Millisecond)
		}
		cases = append(cases, c)
	}
	for _, r := range suite.Run(t.Context(), cases, suite.Options{Parallel: parallel}) {
		if r.Status != suite.Passed {
			t.Errorf("%s is %s: %v", r.Name, r.Status, r.Problems)
		}
	}
	if most.Load() != parallel {
		t.Errorf("%d ran at once, want %d", most.Load(), parallel)
	}
}

// A case that is not back in time has failed, whatever it does with its ctx.
func TestLimit(t *testing.T) {
	for name, test := range map[string]struct {
		run     func(context.Context, *suite.T)
		seconds float64
		message string
	}{
		"comes back silently": {func(ctx context.Context, _ *suite.T) { <-ctx.Done() }, 5, "it did not end within 5s"},
		"says so":             {func(ctx context.Context, t *suite.T) { <-ctx.Done(); t.Failf("died", "it hung") }, 5, "it hung"},
		"takes its grace":     {func(context.Context, *suite.T) { time.Sleep(9 * time.Second) }, 9, "it did not end within 5s"},
		"never comes back":    {nil, 15, "it did not end within 5s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{})
				defer close(end)
				run := test.run
				if run == nil {
					run = func(context.Context, *suite.T) { <-end }
				}
				r := one(t, suite.Case{Name: "a/b", Limit: 5 * time.Second, Run: run}, suite.Options{})
				if r.Status != suite.Failed || r.Seconds != test.seconds || r.Problems[0].Message != test.message {
					t.Errorf("got %s after %v s: %v", r.Status, r.Seconds, r.Problems)
				}
			})
		})
	}
}

func TestDefaultLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := one(t, suite.Case{Name: "a/b", Run: func(ctx context.Context, _ *suite.T) { <-ctx.Done() }}, suite.Options{})
		if r.Seconds != 60 {
			t.Errorf("it ended after %v s, want a minute", r.Seconds)
		}
	})
}

// What a run that was ended did not find out is not in its results.
func TestCancel(t *testing.T) {
	for _, parallel := range []int{1, 3} {
		known, err := suite.ParseKnown("s/cut")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cleaned := false
		results := suite.Run(ctx, []suite.Case{
			named("s/done"),
			with(named("s/cut", "s/done"), func(ctx context.Context, t *suite.T) {
				cancel()
				<-ctx.Done()
				t.Failf("cancelled", "it was cancelled")
				cleaned = true
			}),
			named("s/waits", "s/cut"), named("s/never"),
		}, suite.Options{Parallel: parallel, Known: known})
		if got := statuses(results); got != "s/done passed" {
			t.Errorf("got %s", got)
		}
		if !cleaned {
			t.Error("the run ended before its case")
		}
		if stale := known.Stale(false); len(stale) > 0 {
			t.Errorf("a cut case counts: %s", stale)
		}
	}
}

func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := suite.Run(ctx, chain(20), suite.Options{Parallel: 2}); len(got) > 0 {
		t.Errorf("got %s", statuses(got))
	}
}

// A case that runs alone takes nothing else with it.
func TestMatch(t *testing.T) {
	cases := []suite.Case{
		with(named("life/start"), fail), named("life/cancel-in-run", "life/start"), named("life/cancel-early", "life/start"),
		named("frontend/copy"), named("frontend/copy-flags"), named("container/life"),
	}
	for patterns, want := range map[string]string{
		"life/cancel-in-run":             "life/cancel-in-run passed",
		"life/cancel*":                   "life/cancel-in-run passed, life/cancel-early passed",
		"life":                           "life/start failed, life/cancel-in-run blocked, life/cancel-early blocked",
		"f*":                             "frontend/copy passed, frontend/copy-flags passed",
		"*/copy":                         "frontend/copy passed",
		"frontend/copy container/[a-l]*": "frontend/copy passed, container/life passed",
		"frontend/cop?":                  "frontend/copy passed",
		"nothing frontend/c life/":       "",
	} {
		match, err := suite.Match(strings.Fields(patterns)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := statuses(suite.Run(t.Context(), cases, suite.Options{Match: match})); got != want {
			t.Errorf("%s: got %q, want %q", patterns, got, want)
		}
	}
	if match, err := suite.Match(); match != nil || err != nil {
		t.Error("no pattern chooses something")
	}
	for _, bad := range []string{"", "a/[", `a\`} {
		if _, err := suite.Match("a", bad); err == nil || !strings.Contains(err.Error(), "is no pattern of names") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Secrets are in nothing that is reported.
func TestSecrets(t *testing.T) {
	const secret, longer = "s3cr\"et", "s3cr\"et-and-more"
	r := one(t, suite.Case{Name: "a/b", Input: "in " + secret, Run: func(_ context.Context, t *suite.T) {
		t.Secret(secret)
		t.Secret(longer)
		t.Secret("")
		t.Tracef("sent %s", secret)
		t.Fail(suite.Problem{Message: "m " + secret, Input: "i " + longer, Want: fmt.Sprintf("w %q", secret), Got: "g czNjciJldA=="})
	}}, suite.Options{Trace: true})
	p := r.Problems[0]
	got := []string{r.Input, r.Trace[0], p.Message, p.Input, p.Want, p.Got}
	want := []string{"in [secret]", "sent [secret]", "m [secret]", "i [secret]", `w "[secret]"`, "g [secret]"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	cannot := one(t, suite.Case{Name: "a/b", Run: func(_ context.Context, t *suite.T) { t.Secret("s"); t.CannotRun("no s") }}, suite.Options{})
	if cannot.Why != "no [secret]" {
		t.Errorf("got %q", cannot.Why)
	}
}

func TestTrace(t *testing.T) {
	c := suite.Case{Name: "a/b", Run: func(_ context.Context, t *suite.T) { t.Tracef("%t", t.Tracing()) }}
	if r := one(t, c, suite.Options{}); r.Trace != nil {
		t.Errorf("nobody asked for %q", r.Trace)
	}
	if r := one(t, c, suite.Options{Trace: true}); len(r.Trace) != 1 || r.Trace[0] != "true" {
		t.Errorf("got %q", r.Trace)
	}
}

// A case may use its T from any goroutine, also after it has ended.
func TestConcurrentT(t *testing.T) {
	var left sync.WaitGroup
	r := one(t, suite.Case{Name: "a/b", Run: func(_ context.Context, t *suite.T) {
		for range 50 {
			left.Go(func() { t.Needs("x"); t.Secret("y"); t.Tracef("z"); t.Failf("ok", "y"); t.Failed() })
		}
		t.Failf("ok", "y")
	}}, suite.Options{Trace: true})
	left.Wait()
	if r.Status != suite.Failed {
		t.Errorf("got %s", r.Status)
	}
}
