// SPDX-License-Identifier: Apache-2.0

package life

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// build begins a build: build NAME [as ID] [OPTION…]. It does not wait.
func (p *play) build(w words) {
	id := "job-" + random()
	j := &job{id: id, on: p.now, began: time.Now(), ended: make(chan struct{}), closed: make(chan struct{})}
	l := p.lay(w.next())
	name := w.value("as", "it")
	j.start = p.message(l, id)
	p.alter(j.start, &w)
	j.answer = p.answers(&w, w.flag("grease-answers"))
	first := &backendv1.BuildRequest{Message: &backendv1.BuildRequest_Start{Start: j.start}}
	if w.flag("no-start") {
		first = &backendv1.BuildRequest{Message: &backendv1.BuildRequest_Cancel{Cancel: &backendv1.Cancel{}}}
	}
	ctx, stop := p.ctx, func() {}
	if text := w.value("deadline", ""); text != "" {
		d, err := time.ParseDuration(text)
		p.check(err)
		ctx, stop = context.WithTimeout(p.ctx, d)
		j.broken = true
	}
	p.nothing(w)
	if before := p.jobs[name]; before != nil {
		before.end()
	}
	p.look()
	p.now.built = true
	if err := j.run(ctx, first); err != nil {
		stop()
		p.fatal(classDied, "the build cannot be begun: %v", err)
	}
	context.AfterFunc(ctx, stop)
	p.jobs[name], p.last = j, j
	p.Tracef("build %s", j.id)
}

// answers is what the host answers: nothing is there, unless the line says
// "secret=MODE": given, never given, given after an answer to another question,
// or given and then taken back.
func (p *play) answers(w *words, greasy bool) func(*backendv1.Ask) []*backendv1.Answer {
	mode, _ := w.setting("secret")
	if !slices.Contains([]string{"", "given", "never", "wrong-first", "twice"}, mode) {
		p.fatal(classSuite, "the script is wrong: unknown mode %q", mode)
	}
	return func(ask *backendv1.Ask) []*backendv1.Answer {
		right := &backendv1.Answer{Id: ask.GetId(), Secret: []byte(p.secret)}
		if greasy {
			_ = grease(right)
		}
		switch {
		case mode == "" || ask.GetSsh() != "":
			return []*backendv1.Answer{{Id: ask.GetId(), Absent: true}}
		case mode == "never":
			return nil
		case mode == "wrong-first":
			return []*backendv1.Answer{{Id: ask.GetId() + 1000, Secret: []byte("the answer to another question")}, right}
		case mode == "twice":
			return []*backendv1.Answer{right, {Id: ask.GetId(), Absent: true}}
		}
		return []*backendv1.Answer{right}
	}
}

// of takes "of ID" out and makes that build the last one.
func (p *play) of(w *words) *job {
	if name := w.value("of", ""); name != "" {
		p.last = p.jobs[name]
	}
	if p.last == nil {
		p.fatal(classSuite, "the script is wrong: there is no such build")
	}
	return p.last
}

// await waits for an event: await started|busy|ask|output TEXT|bytes N [of ID]
// [within D].
func (p *play) await(w words) {
	j, limit := p.of(&w), p.within(&w, 30*time.Second)
	what, text := w.next(), w.next()
	p.nothing(w)
	there := p.expectation(j, what, text)
	deadline := time.Now().Add(limit)
	for tick := time.Millisecond; !there(); tick = min(2*tick, 50*time.Millisecond) {
		select {
		case <-j.ended:
			if there() {
				return
			}
			class, _, says := j.outcome()
			p.fatal(class, "the build ended before the event: %s", says)
		case <-p.ctx.Done():
			p.fatal(classTimeout, "the event did not come")
		case <-time.After(tick):
		}
		if time.Now().After(deadline) {
			p.fatal(classTimeout, "the event did not come within %v", limit)
		}
	}
	p.look()
}

// expectation reports whether an event has come.
func (p *play) expectation(j *job, what, text string) func() bool {
	has := func(f func(*backendv1.BuildEvent) bool) func() bool {
		return func() bool { return slices.ContainsFunc(j.all(), f) }
	}
	switch what {
	case "started":
		return has(func(e *backendv1.BuildEvent) bool { return e.GetStepStarted() != nil })
	case "busy":
		return func() bool { return p.busy(j) }
	case "ask":
		return has(func(e *backendv1.BuildEvent) bool { return e.GetAsk() != nil })
	case "output":
		return func() bool { return strings.Contains(j.output(), text) }
	case "bytes":
		n, err := amount(text)
		p.check(err)
		return func() bool {
			j.mu.Lock()
			defer j.mu.Unlock()
			return j.bytes >= n
		}
	}
	p.fatal(classSuite, "the script is wrong: unknown event %q", what)
	return nil
}

// busy reports whether a command of the build runs: in a container one that
// says so, for wasm any program.
func (p *play) busy(j *job) bool {
	if p.kind == target.Container || !seesProcesses {
		return strings.Contains(j.output(), "busy")
	}
	p.look()
	for _, s := range running() {
		if _, ok := j.on.seen[s.proc]; ok && !j.on.idle[s.proc] {
			return true
		}
	}
	return false
}

// ends waits for the end of a build, which must be as the line says, or else as
// the vector: ends [CLASS [exit N] [step N.N]] [of ID] [within D].
func (p *play) ends(w words) {
	j, limit := p.of(&w), p.within(&w, time.Hour)
	want := strings.Join(w, " ")
	if want == "" {
		want = p.life.Expect
	}
	select {
	case <-j.ended:
	case <-p.ctx.Done():
		p.problem(suite.Problem{Class: classTimeout, Message: "the build did not end", Want: want})
	case <-time.After(limit):
		p.problem(suite.Problem{Class: classTimeout, Message: fmt.Sprintf("the build did not end within %v", limit), Want: want})
	}
	if p.ctx.Err() != nil { // it ended because the time was up
		p.problem(suite.Problem{Class: classTimeout, Message: "the build did not end", Want: want})
	}
	p.look()
	class, details, says := j.outcome()
	p.Tracef("ended: %s %s: %s", class, details, says)
	if !fits(want, class, details) {
		p.problem(suite.Problem{
			Class: class, Message: fmt.Sprintf("the build ended as %s: %s", class, says),
			Want: want, Got: strings.TrimSpace(class + " " + details + "\n" + tail(j.output()) + "\n" + lastWords(p.now.stderr())),
		})
	}
	if says == "" {
		p.fatal(class, "the failure does not say what happened")
	}
}

// fits reports whether an end is as wanted: one of the classes, "a|b", and all
// details that are named.
func fits(want, class, details string) bool {
	first, rest, _ := strings.Cut(want, " ")
	have, list := " "+details+" ", strings.Fields(rest)
	for i := 0; i+1 < len(list); i += 2 {
		if !strings.Contains(have, " "+list[i]+" "+list[i+1]+" ") {
			return false
		}
	}
	return slices.Contains(strings.Split(first, "|"), class)
}

// tail is the end of a long text.
func tail(text string) string {
	const most = 2000
	return text[max(0, len(text)-most):]
}

// cancel tells the backend to stop: cancel [of ID].
func (p *play) cancel(w words) {
	j := p.of(&w)
	p.nothing(w)
	p.look()
	// In a stream that has ended it is lost, as it should be.
	_ = j.send(&backendv1.BuildRequest{Message: &backendv1.BuildRequest_Cancel{Cancel: &backendv1.Cancel{}}})
}

// breakStream breaks the stream of a build as a lost connection does.
func (p *play) breakStream(w words) {
	j := p.of(&w)
	p.nothing(w)
	p.look()
	j.mu.Lock()
	j.broken = true
	j.mu.Unlock()
	j.drop()
}

// closeStream says that the host has no more to say, which ends nothing.
func (p *play) closeStream(w words) {
	j := p.of(&w)
	p.nothing(w)
	j.sends.Lock()
	defer j.sends.Unlock()
	p.check(j.stream.CloseSend())
}

// hold receives nothing more until "resume".
func (p *play) hold(w words) {
	j := p.of(&w)
	p.nothing(w)
	j.hold()
}

func (p *play) resume(w words) {
	j := p.of(&w)
	p.nothing(w)
	j.release()
}

// say sends a message that no version knows: say unknown [of ID].
func (p *play) say(w words) {
	j := p.of(&w)
	if w.next() != "unknown" {
		p.fatal(classSuite, "the script is wrong: say what?")
	}
	p.nothing(w)
	m := &backendv1.BuildRequest{}
	p.check(grease(m))
	_ = j.send(m) // a broken stream is told by its end
}
