// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// T is how a case says what it found. Its methods may be called concurrently.
type T struct {
	declared func(feature string) bool
	traced   bool
	secrets  []string

	mu       sync.Mutex
	input    string // of the case
	problems []Problem
	lacking  []string // features that are not declared
	cannot   string
	trace    []string
}

// Fail reports a problem. The case goes on.
func (t *T) Fail(p Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.problems = append(t.problems, p)
}

// Failf reports a problem of a class.
func (t *T) Failf(class, format string, args ...any) {
	t.Fail(Problem{Class: class, Message: fmt.Sprintf(format, args...)})
}

// Fatalf reports a problem and ends the case. It must be called by the
// goroutine of Case.Run.
func (t *T) Fatalf(class, format string, args ...any) {
	t.Failf(class, format, args...)
	runtime.Goexit()
}

// Failed reports whether there was a problem.
func (t *T) Failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.problems) > 0
}

// Needs says which capabilities the case needs. When the plugin does not
// declare one, the case is still tried: failing is then right, and passing is
// reported.
func (t *T) Needs(features ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range features {
		if !t.declared(f) && !slices.Contains(t.lacking, f) {
			t.lacking = append(t.lacking, f)
		}
	}
}

// CannotRun says that this machine lacks what the case needs, and ends it. It
// does not excuse what was found before.
func (t *T) CannotRun(format string, args ...any) {
	t.mu.Lock()
	t.cannot = fmt.Sprintf(format, args...)
	t.mu.Unlock()
	runtime.Goexit()
}

// Tracing reports whether Tracef keeps anything.
func (t *T) Tracing() bool { return t.traced }

// Tracef notes what went over the wire.
func (t *T) Tracef(format string, args ...any) {
	if !t.traced {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trace = append(t.trace, fmt.Sprintf(format, args...))
}

// Secret keeps a value out of what is reported.
func (t *T) Secret(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets = append(t.secrets, value)
}

// finish fills in what the case found.
func (t *T) finish(r *Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case len(t.problems) == 0 && t.cannot != "":
		r.Status, r.Why = CannotRun, t.cannot
	case len(t.problems) == 0 && len(t.lacking) > 0:
		r.Status, r.Why = Undeclared, "works, and is not declared: "+strings.Join(t.lacking, ", ")
	case len(t.problems) == 0:
		r.Status = Passed
	case len(t.lacking) > 0 && !t.has(inexcusable...):
		r.Status, r.Why = NotDeclared, "not declared: "+strings.Join(t.lacking, ", ")
	case r.Level == Should && !t.has(ClassSuite):
		r.Status = Warned
	default:
		r.Status = Failed
	}
	if r.Status == Failed || r.Status == Warned {
		r.Input, r.Problems = t.input, slices.Clone(t.problems)
	}
	r.Trace = slices.Clone(t.trace)
	redact(r, t.secrets)
}

// ClassSuite is the Problem.Class of a mistake of the suite, which counts
// whatever the plugin declares.
const ClassSuite = "suite"

// inexcusable are the classes that a plugin is blamed for also where it did not
// declare anything: it has to refuse, not to be content with a wrong result,
// nor to die.
var inexcusable = []string{"ok", "died", "timeout", "leak", ClassSuite}

// has reports whether there is a problem of one of the classes.
func (t *T) has(classes ...string) bool {
	return slices.ContainsFunc(t.problems, func(p Problem) bool { return slices.Contains(classes, p.Class) })
}
