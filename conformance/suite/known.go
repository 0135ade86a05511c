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
// CASE may be a pattern of path.Match. A line that covers a case that passes,
// that covers nothing, or whose case fails with another message is stale and
// makes the run fail: a list must not rot. Empty lines, and those that begin
// with "#", mean nothing.
type Known struct {
	mu    sync.Mutex
	lines []*knownLine
	fresh []string // lines that would cover the failures that no line covers
}

type knownLine struct {
	number           int
	text             string // as written
	pattern, message string
	covers           int    // failures it is right about
	wrong            string // what is wrong with it
}

// maxCovered is how many cases one line may cover: a list says what fails, not
// that something does.
const maxCovered = 20

// ParseKnown reads a list.
func ParseKnown(text string) (*Known, error) {
	k := &Known{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		l := &knownLine{number: n, text: strings.TrimSuffix(line, "\n")}
		if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' {
			pattern, message, _ := strings.Cut(trimmed, "#")
			l.pattern, l.message = strings.TrimSpace(pattern), strings.TrimSpace(message)
			if _, err := path.Match(l.pattern, ""); err != nil || strings.ContainsAny(l.pattern, " \t") {
				return nil, fmt.Errorf("line %d: %q is no pattern of names", n, l.pattern)
			}
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
	switch {
	case r.Status != Failed:
		if l != nil && r.Status != Blocked && r.Status != CannotRun {
			l.wrong = fmt.Sprintf("%s is %s", r.Name, r.Status)
		}
		return r
	case l == nil:
		k.fresh = append(k.fresh, r.Name+"  # "+firstMessage(r))
		return r
	case !says(r, l.message):
		l.wrong = fmt.Sprintf("%s fails otherwise: %s", r.Name, firstMessage(r))
		k.fresh = append(k.fresh, r.Name+"  # "+firstMessage(r))
		return r
	}
	l.covers++
	if l.covers > maxCovered {
		l.wrong = fmt.Sprintf("it covers more than %d cases: say which", maxCovered)
	}
	r.Status, r.Why = KnownFailing, fmt.Sprintf("line %d of the list of known failures", l.number)
	return r
}

// find returns the line about a case; nil when there is none.
func (k *Known) find(name string) *knownLine {
	i := slices.IndexFunc(k.lines, func(l *knownLine) bool {
		ok, _ := path.Match(l.pattern, name)
		return l.pattern != "" && ok
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

// firstMessage is the first line of the first problem.
func firstMessage(r Result) string {
	if len(r.Problems) == 0 {
		return ""
	}
	line, _, _ := strings.Cut(r.Problems[0].Message, "\n")
	return line
}

// Stale lists, after a run, what is wrong with the list. A line that covered
// nothing counts only when whole says that all cases ran.
func (k *Known) Stale(whole bool) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []string
	for _, l := range k.lines {
		switch {
		case l.wrong != "":
			list = append(list, fmt.Sprintf("line %d: %s", l.number, l.wrong))
		case whole && l.unused():
			list = append(list, fmt.Sprintf("line %d: no case that failed has the name %s", l.number, l.pattern))
		}
	}
	return list
}

func (l *knownLine) unused() bool { return l.pattern != "" && l.covers == 0 }

// Fixed returns the list as it should be after a run of all cases: comments are
// kept, stale lines are not, and each new failure has a line.
func (k *Known) Fixed() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out strings.Builder
	for _, l := range k.lines {
		if l.wrong == "" && !l.unused() {
			out.WriteString(l.text + "\n")
		}
	}
	for _, line := range k.fresh {
		out.WriteString(line + "\n")
	}
	return out.String()
}
