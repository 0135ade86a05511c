// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
)

// sample is what a process has: "fds", "threads", "rss" in bytes.
type sample map[string]int64

// measure notes what the process has, for "grew".
func (p *play) measure(w words) {
	p.nothing(w)
	if !seesProcesses {
		p.CannotRun("this system does not show what a process has")
	}
	p.now.sample = sampleOf(p.now.Pid())
}

// grew wants the process to have grown at most so much since it was measured:
// grew [fds N] [threads N] [rss BYTES]. What a process frees late has 5 seconds.
func (p *play) grew(w words) {
	limits := sample{}
	for _, what := range []string{"fds", "threads", "rss"} {
		if text := w.value(what, ""); text != "" {
			n, err := amount(text)
			p.check(err)
			limits[what] = n
		}
	}
	p.nothing(w)
	var found suite.Problem
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		var ok bool
		if found, ok = p.grown(limits); ok {
			return
		}
		if time.Now().After(deadline) {
			p.problem(found)
		}
	}
}

// grown compares the process with the last sample.
func (p *play) grown(limits sample) (suite.Problem, bool) {
	now := sampleOf(p.now.Pid())
	for what, most := range limits {
		grown := now[what] - p.now.sample[what]
		p.Tracef("%s: %d, before %d", what, now[what], p.now.sample[what])
		if grown > most {
			return suite.Problem{
				Class: classLeak, Message: fmt.Sprintf("the %s of the process grew by %d", what, grown),
				Want: fmt.Sprintf("at most %d more than %d", most, p.now.sample[what]), Got: fmt.Sprint(now[what]),
			}, false
		}
	}
	return suite.Problem{}, true
}
