// SPDX-License-Identifier: Apache-2.0

package suite

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

// Known is a list of known failures, a line each:
//
//	CASE  # part of the message
//
// CASE may be a pattern of path.Match; the first line that fits a case is about
// it. A line that is about a case that does not fail, or fails with another
// message, and a line about nothing, is stale and makes the run fail: a list
// must not rot. Nothing is held against a line whose case could not be tried.
// Empty lines, and those that begin with "#", mean nothing.
type Known struct {
	mu    sync.Mutex
	lines []*knownLine
	fresh []string // lines for the failures that no line is about
}

// knownLine is a line of the list and what a run has shown of it.
type knownLine struct {
	number           int
	text             string // as written
	pattern, message string
	fails            []string // lines that would say what fails now
	untried          bool     // a case could not be tried
	wrong            []string // what is wrong with it
}

// maxCovered is how many cases one line may cover: a list says what fails, not
// that something does.
const maxCovered = 20

// ParseKnown reads a list.
func ParseKnown(text string) (*Known, error) {
	k := &Known{}
	for line := range strings.Lines(text) {
		l := &knownLine{number: len(k.lines) + 1, text: strings.TrimRight(line, "\r\n")}
		pattern, message, _ := strings.Cut(l.text, "#")
		l.pattern, l.message = strings.TrimSpace(pattern), strings.TrimSpace(message)
		if _, err := path.Match(l.pattern, ""); err != nil || strings.ContainsAny(l.pattern, " \t") {
			return nil, fmt.Errorf("line %d: %q is no pattern of names", l.number, l.pattern)
		}
		k.lines = append(k.lines, l)
	}
	return k, nil
}

// apply makes a failure that the list knows a known one.
func (k *Known) apply(r Result) Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.find(r.Name)
	if r.Status != Failed {
		if l != nil {
			l.without(r)
		}
		return r
	}
	if l == nil {
		k.fresh = append(k.fresh, lineFor(r))
		return r
	}
	l.fails = append(l.fails, lineFor(r))
	if !says(r, l.message) {
		l.wrong = append(l.wrong, fmt.Sprintf("%s fails otherwise: %s", r.Name, firstMessage(r)))
		return r
	}
	r.Status, r.Why = KnownFailing, fmt.Sprintf("line %d of the list of known failures", l.number)
	return r
}

// without notes that a case of the line did not fail.
func (l *knownLine) without(r Result) {
	switch r.Status {
	case Blocked, CannotRun, KnownFailing: // it was not tried
		l.untried = true
	default:
		l.wrong = append(l.wrong, fmt.Sprintf("%s does not fail, it is %s", r.Name, r.Status))
	}
}

// find returns the line about a case; nil when there is none.
func (k *Known) find(name string) *knownLine {
	i := slices.IndexFunc(k.lines, func(l *knownLine) bool {
		ok, _ := path.Match(l.pattern, name)
		return ok && l.pattern != ""
	})
	if i < 0 {
		return nil
	}
	return k.lines[i]
}

// says reports whether one of the problems has the text in its message.
func says(r Result, text string) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return strings.Contains(p.Message, text) })
}

// lineFor is the line that covers a failure.
func lineFor(r Result) string { return r.Name + "  # " + firstMessage(r) }

// firstMessage is the first line of the first problem.
func firstMessage(r Result) string {
	line, _, _ := strings.Cut(strings.TrimSpace(r.Problems[0].Message), "\n")
	return strings.TrimSpace(line)
}

// Stale lists, after a run, what is wrong with the list. A line about nothing
// counts only when whole says that all cases ran.
func (k *Known) Stale(whole bool) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []string
	for _, l := range k.lines {
		slices.Sort(l.wrong) // cases end in any order
		for _, wrong := range l.wrong {
			list = append(list, fmt.Sprintf("line %d: %s", l.number, wrong))
		}
		if len(l.fails) > maxCovered {
			list = append(list, fmt.Sprintf("line %d: it covers %d cases, and may cover %d: name them", l.number, len(l.fails), maxCovered))
		}
		if whole && l.idle() {
			list = append(list, fmt.Sprintf("line %d: no case has the name %s", l.number, l.pattern))
		}
	}
	return list
}

// idle reports whether the line was about no case at all.
func (l *knownLine) idle() bool {
	return l.pattern != "" && len(l.fails) == 0 && len(l.wrong) == 0 && !l.untried
}

// Fixed returns the list as it should be after a run of all cases: what is right
// and comments are kept, a stale line becomes lines for those of its cases that
// fail, and each failure that had none gets one, at the end.
func (k *Known) Fixed() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var lines []string
	for _, l := range k.lines {
		switch {
		case l.idle():
		case len(l.wrong) > 0 || len(l.fails) > maxCovered:
			lines = append(lines, slices.Sorted(slices.Values(l.fails))...)
		default:
			lines = append(lines, l.text)
		}
	}
	lines = append(lines, slices.Sorted(slices.Values(k.fresh))...)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}
