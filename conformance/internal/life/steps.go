// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// once wants the stream to end with its end, of which there is one.
func (p *play) once(w words) {
	j := p.of(&w)
	p.nothing(w)
	select {
	case <-j.closed:
	case <-time.After(10 * time.Second):
		p.fatal(classTimeout, "the stream is open 10 seconds after the end of the build")
	}
	ends, after := 0, 0
	for _, e := range j.all() {
		switch {
		case e.GetArtifact() != nil || e.GetFailed() != nil:
			ends++
		case ends > 0:
			after++
		}
	}
	switch {
	case ends != 1:
		p.fatal(classOK, "the build ended %d times", ends)
	case after > 0:
		p.fatal(classOK, "%d events came after the end of the build", after)
	}
}

// place is a step: its stage and its number.
type place [2]uint32

func (at place) String() string { return fmt.Sprintf("%d.%d", at[0], at[1]) }

// refOf is the step that an event is about.
func refOf(e *backendv1.BuildEvent) (place, bool) {
	for _, r := range []*backendv1.StepRef{
		e.GetStepStarted().GetRef(), e.GetStepFinished().GetRef(), e.GetOutput().GetRef(), e.GetProgress().GetRef(),
	} {
		if r != nil {
			return place{r.GetStage(), r.GetStep()}, true
		}
	}
	return place{}, false
}

// inOrder wants steps to be started and finished in the order of their stage,
// and nothing to be said of one that has not been started.
func (p *play) inOrder(w words) {
	j := p.of(&w)
	p.nothing(w)
	started, finished, last := map[place]bool{}, map[place]bool{}, map[uint32]uint32{}
	for _, e := range j.all() {
		at, ok := refOf(e)
		if !ok {
			continue
		}
		if e.GetStepStarted() == nil && !started[at] {
			p.fatal(classOK, "there is an event of step %v, which was not started", at)
		}
		if finished[at] && e.GetProgress() == nil {
			p.fatal(classOK, "there is an event of step %v after it was finished", at)
		}
		switch {
		case e.GetStepFinished() != nil:
			finished[at] = true
		case e.GetStepStarted() != nil:
			if before, any := last[at[0]]; any && before >= at[1] {
				p.fatal(classOK, "step %v was started after step %d.%d", at, at[0], before)
			}
			started[at], last[at[0]] = true, at[1]
		}
	}
	p.complete(j, started, finished)
}

// complete wants every step to have been started, and of a build that ended
// well, finished. The steps of wasm builds are the backend's own.
func (p *play) complete(j *job, started, finished map[place]bool) {
	well := j.result.GetArtifact() != nil
	for s, stage := range j.start.GetBuild().GetContainer().GetStages() {
		for n := range stage.GetSteps() {
			if at := (place{uint32(s), uint32(n)}); well && !started[at] {
				p.fatal(classOK, "step %v was never started", at)
			}
		}
	}
	for at := range started {
		if !p.known(j, at) {
			p.fatal(classOK, "step %v was started, which the build does not have", at)
		}
		if well && !finished[at] {
			p.fatal(classOK, "step %v was not finished", at)
		}
	}
	if len(started) == 0 {
		p.fatal(classOK, "no step was started")
	}
}

// known reports whether a build has a step. Those of a wasm build are what the
// backend says.
func (p *play) known(j *job, at place) bool {
	if p.kind == target.Wasm {
		return at[0] == 0
	}
	stages := j.start.GetBuild().GetContainer().GetStages()
	return int(at[0]) < len(stages) && int(at[1]) < len(stages[at[0]].GetSteps())
}

// uncached wants no step to have used an earlier result.
func (p *play) uncached(w words) {
	j := p.of(&w)
	p.nothing(w)
	for _, e := range j.all() {
		if f := e.GetStepFinished(); f.GetCached() && !p.metadata(j, f.GetRef()) {
			p.fatal(classOK, "step %d.%d used an earlier result", f.GetRef().GetStage(), f.GetRef().GetStep())
		}
	}
}

// metadata reports whether a step is without work.
func (p *play) metadata(j *job, ref *backendv1.StepRef) bool {
	if p.kind == target.Wasm || !p.known(j, place{ref.GetStage(), ref.GetStep()}) {
		return false
	}
	stage := j.start.GetBuild().GetContainer().GetStages()[ref.GetStage()]
	return stage.GetSteps()[ref.GetStep()].GetMetadata() != nil
}

// output wants a command to have written exactly a text: output stdout|stderr
// TEXT [of ID].
func (p *play) output(w words) {
	j, stream, text := p.of(&w), w.next(), w.next()
	p.nothing(w)
	var got strings.Builder
	for _, e := range j.all() {
		if o := e.GetOutput(); o.GetStderr() == (stream == "stderr") {
			got.Write(o.GetData())
		}
	}
	if got.String() != text {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf("the %s of the build is not what the command wrote", stream), Want: text, Got: tail(got.String())})
	}
}

// inputs wants every input that is reported to have a kind, a name and what it
// was; inputs KIND wants one of the kind.
func (p *play) inputs(w words) {
	j, kind := p.of(&w), w.next()
	p.nothing(w)
	var kinds []string
	for _, e := range j.all() {
		in := e.GetInputRead()
		if in == nil {
			continue
		}
		if !slices.Contains([]string{"url", "git", "tool", "env"}, in.GetKind()) || in.GetName() == "" || in.GetDigest() == "" {
			p.problem(suite.Problem{Class: classOK, Message: "an input that was read is not described", Got: jsonOf(in)})
		}
		kinds = append(kinds, in.GetKind())
	}
	if kind != "" && !slices.Contains(kinds, kind) {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf("no input of kind %s is reported", kind), Got: fmt.Sprint(kinds)})
	}
}
