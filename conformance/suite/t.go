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

// CannotRun says that this machine lacks what the case needs, and ends it.
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
	t.redact()
	r.Problems, r.Trace = t.problems, t.trace
	switch {
	case t.cannot != "":
		r.Status, r.Why, r.Problems = CannotRun, t.cannot, nil
	case len(t.problems) == 0 && len(t.lacking) > 0:
		r.Status, r.Why = Undeclared, "works, and is not declared: "+strings.Join(t.lacking, ", ")
	case len(t.problems) == 0:
		r.Status = Passed
	case len(t.lacking) > 0 && !t.wrong():
		r.Status, r.Why, r.Problems = NotDeclared, strings.Join(t.lacking, ", "), nil
	case r.Level == Should:
		r.Status = Warned
	default:
		r.Status = Failed
	}
}

// wrong reports whether the plugin was content and its result is wrong: worse
// than being unable, also where nothing was declared.
func (t *T) wrong() bool {
	return slices.ContainsFunc(t.problems, func(p Problem) bool { return p.Class == "ok" })
}

// redact replaces secrets in everything that is reported.
func (t *T) redact() {
	hide := func(s *string) {
		for _, secret := range t.secrets {
			*s = strings.ReplaceAll(*s, secret, "[secret]")
		}
	}
	for i := range t.problems {
		p := &t.problems[i]
		for _, s := range []*string{&p.Message, &p.Input, &p.Want, &p.Got} {
			hide(s)
		}
	}
	for i := range t.trace {
		hide(&t.trace[i])
	}
}
