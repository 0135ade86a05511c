// SPDX-License-Identifier: Apache-2.0

package life

import (
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// describe asks what the backend can do: describe [grease] [together N]. All
// answers must be the same as those before.
func (p *play) describe(w words) {
	greasy := w.flag("grease")
	n, err := amount(w.value("together", "1"))
	p.check(err)
	p.nothing(w)
	answers, errs := make([]*backendv1.DescribeResponse, n), make([]error, n)
	var asked sync.WaitGroup
	for i := range n {
		asked.Go(func() {
			r := &backendv1.DescribeRequest{StateDir: p.stateDir}
			if greasy {
				_ = grease(r)
			}
			answers[i], errs[i] = p.now.Client.Describe(p.ctx, r)
		})
	}
	asked.Wait()
	for i, answer := range answers {
		if errs[i] != nil {
			p.fatal(classRefused, "Describe failed: %v", errs[i])
		}
		if len(p.described) > 0 && jsonOf(answer) != jsonOf(p.described[0]) {
			p.problem(suite.Problem{Class: classOK, Message: "Describe does not answer the same each time", Want: jsonOf(p.described[0]), Got: jsonOf(answer)})
		}
	}
	p.described = append(p.described[:min(1, len(p.described))], answers[0])
	p.Tracef("described: %v", answers[0])
}

var kebab = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// subtractions wants the last answer of Describe to only take away, and to say
// why.
func (p *play) subtractions(w words) {
	p.nothing(w)
	wrong := func(format string, args ...any) {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf(format, args...), Got: jsonOf(p.described[0])})
	}
	for _, s := range p.described[0].GetSubtracted() {
		switch {
		case !p.Declares(s.GetFeature()):
			wrong("Describe takes away %q, which the manifest does not have", s.GetFeature())
		case !kebab.MatchString(s.GetReason()):
			wrong("the reason %q why there is no %s is not in kebab-case", s.GetReason(), s.GetFeature())
		case s.GetMessage() == "":
			wrong("there is no message that says why there is no %s", s.GetFeature())
		}
	}
	for _, platform := range p.described[0].GetPlatforms() {
		name := platform.GetPlatform().GetOs() + "/" + platform.GetPlatform().GetArchitecture()
		if !p.declaresPlatform(platform.GetPlatform().GetOs(), platform.GetPlatform().GetArchitecture()) {
			wrong("Describe offers the platform %s, which the manifest does not have", name)
		}
	}
}

// declaresPlatform reports whether the manifest has a platform.
func (p *play) declaresPlatform(os, arch string) bool {
	return slices.ContainsFunc(p.Manifest.Capabilities.Platforms, func(have string) bool {
		return have == os+"/"+arch || have == os+"/*" || have == "*/*"
	})
}

// experimental wants a build that needs what is experimental to be refused, and
// ends the case when nothing is: experimental NAME.
func (p *play) experimental(w words) {
	name := w.next()
	p.nothing(w)
	found := false
	for _, s := range p.described[0].GetSubtracted() {
		if s.GetReason() != "experimental" {
			continue
		}
		found = true
		p.build(words{name, "feature=" + s.GetFeature()})
		p.ends(words{"machine"})
		if slices.ContainsFunc(p.last.all(), func(e *backendv1.BuildEvent) bool { return e.GetStepStarted() != nil }) {
			p.fatal(classOK, "a step began of a build that is refused")
		}
	}
	if !found {
		p.CannotRun("nothing is experimental for %s on this machine", p.Manifest.ID)
	}
}

// tries is how often something is measured whose fastest time counts: others
// use the machine too.
const tries = 5

// took wants something to have been quick: took handshake|describe|build
// DURATION. Of starts and of calls of Describe the fastest counts.
func (p *play) took(w words) {
	what, text := w.next(), w.next()
	p.nothing(w)
	most, err := time.ParseDuration(text)
	p.check(err)
	measure := map[string]func() time.Duration{
		"handshake": p.startAgain, "describe": p.describeAgain, "build": func() time.Duration { return p.last.took },
	}[what]
	if measure == nil {
		p.fatal(classSuite, "the script is wrong: unknown %q", what)
	}
	took := measure()
	for i := 1; i < tries && took > most; i++ {
		took = min(took, measure())
	}
	if took > most {
		p.problem(suite.Problem{Class: classOK, Message: fmt.Sprintf("the %s took %v", what, took.Round(time.Millisecond)), Want: "at most " + most.String(), Got: took.String()})
	}
}

// startAgain starts the backend once more and returns how long that took.
func (p *play) startAgain() time.Duration {
	p.start(words{"as", "measured"})
	took := p.now.Took
	p.now.close()
	return took
}

// describeAgain calls Describe and returns how long that took.
func (p *play) describeAgain() time.Duration {
	began := time.Now()
	if _, err := p.now.Client.Describe(p.ctx, &backendv1.DescribeRequest{StateDir: p.stateDir}); err != nil {
		p.fatal(classRefused, "Describe failed: %v", err)
	}
	return time.Since(began)
}
