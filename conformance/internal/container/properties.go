// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
)

// What properties build.
const (
	commands = `Files that commands make.
expect: ok
epoch: 1000000000
-- Dockerfile --
ARG BASE
FROM $BASE
RUN mkdir -p /d/sub && echo a > /d/a && ln /d/a /d/b && ln -s a /d/link && rm /data/keep
RUN echo more >> /d/a && chmod 600 /data/new
COPY f /f
-- f --
f
`
	chance = `A file that chance makes.
expect: ok
-- Dockerfile --
ARG BASE
FROM $BASE
RUN head -c 20 /dev/urandom | od -A n -t x1 > /f
`
)

// properties are the cases about what no single image shows: they build one
// thing several times.
func (s *section) properties() []suite.Case {
	return []suite.Case{
		s.property("removed", "What was removed takes no room any more.", "C35", "basic-copy", large, s.removed),
		s.property("same-bytes", "The same build with commands in two state folders gives layers of the same bytes.", "C33", "basic-run", commands, s.sameBytes),
		s.property("no-cache", "A build that uses nothing from before runs its commands again.", "C32", "basic-run", chance, s.noCache),
		should(s.property("steps-used-again", "Steps that were built are used again when only what the host does with them is different.", "C34", "basic-run", commands, s.usedAgain)),
	}
}

// should makes a case one about what SPEC.md only recommends.
func should(c suite.Case) suite.Case {
	c.Level = suite.Should
	return c
}

// property is a case that builds a vector, given as the text of its file.
func (s *section) property(name, about, spec, after, text string, check func(context.Context, *suite.T, *build.Laid, host.Request)) suite.Case {
	c := suite.Case{Name: prefix + name, About: about, Spec: []string{spec}, After: []string{prefix + after}, Input: text}
	c.Run = func(ctx context.Context, t *suite.T) {
		v, err := vectors.ParseContainer(name, []byte(text))
		if err != nil {
			t.Fatalf("suite", "the build of the case cannot be read: %v", err)
		}
		l, r := s.lay(t, v)
		check(ctx, t, l, r)
	}
	return c
}

// sameBytes builds in two state folders.
func (s *section) sameBytes(ctx context.Context, t *suite.T, l *build.Laid, r host.Request) {
	var layers [2]string
	for i := range layers {
		out := s.buildBy(ctx, t, l, r, s.newHosts())
		if !ended(t, l, out) {
			return
		}
		layers[i] = strings.Join(out.Image.Layers, "\n")
	}
	if layers[0] != layers[1] {
		t.Fail(suite.Problem{Class: "ok", Message: "the layers of two equal builds differ", Want: layers[0], Got: layers[1]})
	}
}

// noCache builds, and builds again without what is there.
func (s *section) noCache(ctx context.Context, t *suite.T, l *build.Laid, r host.Request) {
	first := s.build(ctx, t, l, r)
	r.NoCache = true
	second := s.build(ctx, t, l, r)
	if !ended(t, l, first) || !ended(t, l, second) {
		return
	}
	if was, is := first.Image.Files["f"], second.Image.Files["f"]; was != nil && is != nil && was.Content == is.Content {
		t.Failf("ok", "the file that a command makes by chance is the same again, though nothing from before was to be used")
	}
}

// usedAgain builds twice, the second time in another format, which is the
// host's work alone.
func (s *section) usedAgain(ctx context.Context, t *suite.T, l *build.Laid, r host.Request) {
	if !ended(t, l, s.build(ctx, t, l, r)) {
		return
	}
	var built []string
	r.Format = host.Docker
	r.Events = func(e host.Event) {
		if e.Type == host.EventStepFinished && !e.Cached {
			built = append(built, fmt.Sprintf("%s %d", e.Stage, e.Step))
		}
	}
	if ended(t, l, s.build(ctx, t, l, r)) && len(built) > 0 {
		t.Fail(suite.Problem{Class: "ok", Message: "steps were built again, and nothing that they depend on has changed", Got: strings.Join(built, "\n")})
	}
}
