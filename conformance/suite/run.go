// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"context"
	"fmt"
	"runtime/debug"
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
	// Known are failures that are known, of this run only. May be nil.
	Known *Known
	// Parallel is how many cases run at once. 0: one.
	Parallel int
	// Trace keeps what goes over the wire.
	Trace bool
	// OnResult, when set, is called with each result, in the order of Run's, by
	// one goroutine at a time.
	OnResult func(Result)
}

// Run runs the chosen cases and returns a result for each, in their order, but
// those that others build on first: the first failure is the one to look at. A
// case begins when those it comes after have ended. When ctx ends, the cases
// that have not ended by themselves are left out, and those after them.
func Run(ctx context.Context, cases []Case, o Options) []Result {
	if o.Declared == nil {
		o.Declared = func(string) bool { return true }
	}
	r := &runner{Options: o, tasks: inOrder(plan(cases, o.Match))}
	return r.run(ctx)
}

type runner struct {
	Options
	tasks []*task      // in the order in which they begin
	alone sync.RWMutex // held for reading by the cases that bear company
}

func (r *runner) run(ctx context.Context) []Result {
	work := make(chan *task)
	var workers, reporter sync.WaitGroup
	for range max(1, r.Parallel) {
		workers.Go(func() {
			for t := range work {
				r.finish(ctx, t)
			}
		})
	}
	var list []Result
	reporter.Go(func() { list = r.report() })
	for _, t := range r.tasks {
		select {
		case work <- t:
		case <-ctx.Done():
			t.cut = true
			close(t.ended)
		}
	}
	close(work)
	workers.Wait()
	reporter.Wait()
	return list
}

// report collects the results in order, up to the first that
// was cut.
func (r *runner) report() []Result {
	var list []Result
	for _, t := range r.tasks {
		if <-t.ended; t.cut {
			break
		}
		list = append(list, t.result)
		if r.OnResult != nil {
			r.OnResult(t.result)
		}
	}
	return list
}

// finish gives a task its result.
func (r *runner) finish(ctx context.Context, t *task) {
	defer close(t.ended)
	t.result = t.Case.result()
	for _, before := range t.after {
		if <-before.ended; before.cut || inherit(&t.result, &before.result) {
			break
		}
	}
	if t.result.Status == "" && ctx.Err() == nil {
		r.admit(ctx, t)
	}
	if t.cut = ctx.Err() != nil; !t.cut && r.Known != nil {
		t.result = r.Known.apply(t.result)
	}
}

// inherit decides a case by one that it comes after, when that one says that
// there is nothing to find out. What excuses the first one excuses both.
func inherit(r, before *Result) bool {
	switch before.Status {
	case Failed:
		r.Status, r.Why = Blocked, "blocked by "+before.Name
	case Blocked:
		r.Status, r.Why = Blocked, before.Why // the root of it
	case KnownFailing:
		r.Status, r.Why = KnownFailing, "blocked by "+before.Name+", which is known to fail"
	case CannotRun, NotDeclared:
		r.Status, r.Why = before.Status, before.Why
	default:
		return false
	}
	return true
}

// admit runs a case, alone when it must be.
func (r *runner) admit(ctx context.Context, t *task) {
	if t.Alone {
		r.alone.Lock()
		defer r.alone.Unlock()
	} else {
		r.alone.RLock()
		defer r.alone.RUnlock()
	}
	r.try(ctx, t)
}

// grace is how long a case gets to clean up after its time is over.
const grace = 10 * time.Second

// try runs a case within its limit of time. What does not come back even after
// a while of grace is left behind.
func (r *runner) try(ctx context.Context, t *task) {
	found := &T{declared: r.Declared, traced: r.Trace, input: t.Input}
	limited, cancel := context.WithTimeout(ctx, t.limit())
	defer cancel()
	began := time.Now()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.call(limited, found)
	}()
	select {
	case <-done:
	case <-limited.Done():
		select {
		case <-done:
		case <-time.After(grace):
		}
	}
	if limited.Err() != nil {
		// Also when it came back without a word: it has looked at nothing.
		found.Failf("timeout", "it did not end within %v", t.limit())
	}
	found.finish(&t.result)
	t.result.Seconds = time.Since(began).Seconds()
}

// call calls the case's function. A panic is a mistake of the suite.
func (t *task) call(ctx context.Context, found *T) {
	defer func() {
		if v := recover(); v != nil {
			found.Fail(Problem{Class: ClassSuite, Message: fmt.Sprintf("the suite itself broke: %v", v), Got: string(debug.Stack())})
		}
	}()
	t.Run(ctx, found)
}
