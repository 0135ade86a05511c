// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// Options say how cases are run.
type Options struct {
	// Match chooses cases by name. Nil: all.
	Match func(name string) bool
	// Declared reports whether the plugin declares a feature. Nil: it declares
	// all.
	Declared func(feature string) bool
	// Known are failures that are known. May be nil.
	Known *Known
	// Parallel is how many cases run at once. 0: one.
	Parallel int
	// Trace keeps what goes over the wire.
	Trace bool
	// OnResult, when set, is called with each result, in the order of the
	// cases.
	OnResult func(Result)
}

// Run runs the chosen cases and returns a result for each, in their order. A
// case begins when those it comes after have ended. When ctx ends, the cases
// that have not begun are left out.
func Run(ctx context.Context, cases []Case, o Options) []Result {
	r := &runner{Options: o, ends: map[string]chan struct{}{}, results: map[string]Result{}}
	for _, c := range cases {
		if o.Match == nil || o.Match(c.Name) {
			r.cases = append(r.cases, c)
			r.ends[c.Name] = make(chan struct{})
		}
	}
	if r.Declared == nil {
		r.Declared = func(string) bool { return true }
	}
	return r.run(ctx)
}

type runner struct {
	Options
	cases []Case
	ends  map[string]chan struct{} // closed when the case has its result

	mu      sync.Mutex
	results map[string]Result
	alone   sync.RWMutex
}

func (r *runner) run(ctx context.Context) []Result {
	work := make(chan Case)
	var workers sync.WaitGroup
	for range max(1, r.Parallel) {
		workers.Go(func() {
			for c := range work {
				r.finish(c, r.one(ctx, c))
			}
		})
	}
	var reported sync.WaitGroup
	var list []Result
	reported.Go(func() { list = r.report(ctx) })
	for _, c := range r.cases {
		if ctx.Err() != nil {
			break
		}
		work <- c
	}
	close(work)
	workers.Wait()
	reported.Wait()
	return list
}

// report collects the results in the order of the cases.
func (r *runner) report(ctx context.Context) []Result {
	var list []Result
	for _, c := range r.cases {
		select {
		case <-r.ends[c.Name]:
		case <-ctx.Done():
			return list
		}
		result := r.of(c.Name)
		list = append(list, result)
		if r.OnResult != nil {
			r.OnResult(result)
		}
	}
	return list
}

func (r *runner) of(name string) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[name]
}

func (r *runner) finish(c Case, result Result) {
	if r.Known != nil {
		result = r.Known.apply(result)
	}
	r.mu.Lock()
	r.results[c.Name] = result
	r.mu.Unlock()
	close(r.ends[c.Name])
}

// one runs a case, unless another one blocks it. Cases come in an order in
// which what they build on is begun before them, so waiting always ends.
func (r *runner) one(ctx context.Context, c Case) Result {
	for _, name := range c.After {
		ended, ok := r.ends[name]
		if !ok || name == c.Name {
			continue
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return c.result()
		}
		if before := r.of(name); blocks(before) {
			result := c.result()
			result.Status, result.Why = Blocked, "blocked by "+blocker(before)
			return result
		}
	}
	if c.Alone {
		r.alone.Lock()
		defer r.alone.Unlock()
	} else {
		r.alone.RLock()
		defer r.alone.RUnlock()
	}
	return r.try(ctx, c)
}

// blocks reports whether a result makes those that come after it meaningless.
// One that is known to fail does too.
func blocks(r Result) bool {
	return slices.Contains([]Status{Failed, Blocked, KnownFailing, CannotRun}, r.Status)
}

// blocker names the case at the root of a failure.
func blocker(r Result) string {
	if r.Status == Blocked {
		return r.Why[len("blocked by "):]
	}
	return r.Name
}

// try runs a case within its limit of time. What does not come back by then is
// left behind.
func (r *runner) try(ctx context.Context, c Case) Result {
	t := &T{declared: r.Declared, traced: r.Trace}
	limited, cancel := context.WithTimeout(ctx, c.limit())
	defer cancel()
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				t.Fail(Problem{Class: "suite", Message: fmt.Sprintf("the suite itself broke: %v", v), Got: string(debug.Stack())})
			}
		}()
		c.Run(limited, t)
	}()
	select {
	case <-done:
	case <-limited.Done():
		select {
		case <-done:
		case <-time.After(grace):
			t.Failf("timeout", "it did not end within %v", c.limit())
		}
	}
	result := c.result()
	t.finish(&result)
	result.Seconds = time.Since(began).Seconds()
	return result
}

// grace is how long a case gets to end after its time is up.
const grace = 10 * time.Second
