// SPDX-License-Identifier: Apache-2.0

// Package suite runs cases and says what came of them. It knows nothing of
// plugins: a case is a name, the sentences of SPEC.md that it is about, and a
// function.
package suite

import (
	"context"
	"time"
)

// Level says how much a case counts (RFC 2119).
type Level string

// The levels.
const (
	// Must makes the run fail.
	Must Level = "must"
	// Should is reported and changes nothing else.
	Should Level = "should"
)

// Case is one thing to find out.
type Case struct {
	// Name is "SECTION/WORDS-IN-KEBAB-CASE". It is stable: lists of known
	// failures hold it.
	Name string
	// About says in one sentence what is looked at.
	About string
	// Spec are the ids of sentences in SPEC.md that it is about.
	Spec []string
	// Input is what goes in, as text, for the reader of a failure: the vector.
	// May be empty.
	Input string
	// Level is Must unless it says otherwise.
	Level Level
	// After names cases without which this one says nothing: when one of them
	// fails, this one is Blocked; when it is excused, so is this one. Those that
	// are not part of the run count for nothing.
	After []string
	// Alone is set for what measures: nothing else runs meanwhile.
	Alone bool
	// Limit is how long it may take. 0: a minute.
	Limit time.Duration
	// Run finds out. Its ctx ends after Limit.
	Run func(ctx context.Context, t *T)
}

// Status is what came of a case.
type Status string

// What can come of a case.
const (
	// Passed: all is well.
	Passed Status = "passed"
	// Failed: the plugin does not do what it must.
	Failed Status = "failed"
	// Warned: it does not do what it should.
	Warned Status = "warned"
	// Blocked: a case that this one builds on has failed.
	Blocked Status = "blocked"
	// NotDeclared: the plugin does not say that it can, and it cannot.
	NotDeclared Status = "not-declared"
	// Undeclared: it can, and does not say so.
	Undeclared Status = "undeclared"
	// CannotRun: this machine lacks what the case needs.
	CannotRun Status = "cannot-run"
	// KnownFailing: it failed as the list of known failures says.
	KnownFailing Status = "known-failing"
)

// Bad reports whether the status makes a run fail.
func (s Status) Bad() bool { return s == Failed || s == Blocked }

// Problem is one thing that is wrong.
type Problem struct {
	// Class is the class of what came out: "ok" when the plugin was content
	// and its result is wrong, else how it ended: "source", "timeout", "leak".
	Class string `json:"class,omitempty"`
	// Message is one sentence: what is wrong.
	Message string `json:"message"`
	// Input is what went in, as text, where it is not all of the case's.
	Input string `json:"input,omitempty"`
	// Want is what should have come out. May be empty.
	Want string `json:"want,omitempty"`
	// Got is what came out. May be empty.
	Got string `json:"got,omitempty"`
}

// Result is what came of one case.
type Result struct {
	// Name, About, Spec and Level are those of the case.
	Name  string   `json:"name"`
	About string   `json:"about,omitempty"`
	Spec  []string `json:"spec,omitempty"`
	Level Level    `json:"level"`
	// Status is what came of it.
	Status Status `json:"status"`
	// Why says in one sentence why the case was not passed or failed: the case
	// that blocks it, what is not declared, what the machine lacks.
	Why string `json:"why,omitempty"`
	// Input is what went in, as text, when there are problems.
	Input string `json:"input,omitempty"`
	// Problems are what is wrong.
	Problems []Problem `json:"problems,omitempty"`
	// Trace is what went over the wire, when asked for, without secrets.
	Trace []string `json:"trace,omitempty"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
}

// defaultLimit is how long a case may take that does not say.
const defaultLimit = time.Minute

func (c *Case) level() Level {
	if c.Level == "" {
		return Must
	}
	return c.Level
}

func (c *Case) limit() time.Duration {
	if c.Limit == 0 {
		return defaultLimit
	}
	return c.Limit
}

// result is the start of the case's result.
func (c *Case) result() Result {
	return Result{Name: c.Name, About: c.About, Spec: c.Spec, Level: c.level()}
}
