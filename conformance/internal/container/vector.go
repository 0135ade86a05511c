// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/build"
	"github.com/zlayer/zlayer/conformance/internal/image"
	"github.com/zlayer/zlayer/conformance/internal/serve"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// vector is the case that builds a vector.
func (s *section) vector(v *vectors.Container) suite.Case {
	c := suite.Case{Name: prefix + v.Name, About: v.About, Spec: v.Spec, Input: input(v)}
	if v.Should {
		c.Level = suite.Should
	}
	for _, name := range v.After {
		c.After = append(c.After, prefix+name)
	}
	c.Run = func(ctx context.Context, t *suite.T) {
		for _, value := range v.Secrets {
			t.Secret(value)
		}
		l, r := s.lay(t, v)
		s.judge(t, l, s.build(ctx, t, l, r))
	}
	return c
}

// lay writes a vector to disk and returns the request that builds it.
func (s *section) lay(t *suite.T, v *vectors.Container) (*build.Laid, host.Request) {
	p, err := s.place()
	var missing *serve.MissingError
	if errors.As(err, &missing) {
		t.CannotRun("%v", missing)
	}
	check(t, err)
	l, err := build.Lay(v, p.servers, filepath.Join(p.root, v.Name))
	check(t, err)
	r, err := l.Request(s.target.Manifest.ID)
	check(t, err)
	return l, r
}

// build builds a vector in the state folder that cases share: by the plugin as
// it is or, when it does not declare what that needs, by one that does.
func (s *section) build(ctx context.Context, t *suite.T, l *build.Laid, r host.Request) *build.Outcome {
	return s.buildBy(ctx, t, l, r, s.shared)
}

// buildBy is build in any state folder.
func (s *section) buildBy(ctx context.Context, t *suite.T, l *build.Laid, r host.Request, by hosts) *build.Outcome {
	h, err := by.declared()
	check(t, err)
	lacking := s.undeclared(ctx, h, r)
	if len(lacking) > 0 {
		t.Needs(lacking...)
		h, err = by.able()
		check(t, err)
	}
	out, err := l.Build(ctx, h, r, &s.reader)
	if ctx.Err() != nil {
		runtime.Goexit() // the time is up, and the suite says so
	}
	check(t, err)
	if len(lacking) == 0 && l.Fails == nil && out.Failure != nil && slices.Contains(lacksHere, out.Code) {
		t.CannotRun("%s", out.Message)
	}
	return out
}

// lacksHere are the codes of the host's findings that this machine lacks
// something, as opposed to the plugin.
var lacksHere = []string{"unsupported-here", "unsupported-platform", "experimental"}

// undeclared lists what a build needs and the plugin does not declare. Of a
// build file with mistakes it is nothing.
func (s *section) undeclared(ctx context.Context, h *host.Host, r host.Request) []string {
	resolved, err := h.Resolve(ctx, r)
	if err != nil {
		return nil // Build says it too
	}
	lacking := slices.DeleteFunc(slices.Clone(resolved.Build.GetFeatures()), s.target.Declares)
	for _, stage := range resolved.Build.GetContainer().GetStages() {
		p := ir.FormatPlatform(stage.GetPlatform())
		if !s.makes(stage.GetPlatform()) && !slices.Contains(lacking, p) {
			lacking = append(lacking, p)
		}
	}
	return lacking
}

// makes reports whether the plugin declares a platform.
func (s *section) makes(p *irv1.Platform) bool {
	return s.target.Manifest.Capabilities != nil && slices.ContainsFunc(s.target.Manifest.Capabilities.Platforms, func(pattern string) bool {
		ok, err := path.Match(pattern, p.GetOs()+"/"+p.GetArchitecture())
		return pattern == "*" || pattern == ir.FormatPlatform(p) || ok && err == nil
	})
}

// judge compares what came of a vector with what it wants.
func (s *section) judge(t *suite.T, l *build.Laid, out *build.Outcome) {
	if !ended(t, l, out) || out.Failure != nil {
		return
	}
	p, err := s.place()
	check(t, err)
	want, _ := l.File("@want")
	missing, more := image.Diff(string(want), out.Describe(p.base, p.servers))
	if missing+more != "" {
		t.Fail(suite.Problem{Class: "ok", Message: otherwise(missing, more), Want: missing, Got: more})
	}
}

// ended reports whether a build ended as its vector wants, and reports a
// problem when it did not.
func ended(t *suite.T, l *build.Laid, out *build.Outcome) bool {
	if out.Meets(l.Fails) {
		return true
	}
	t.Fail(suite.Problem{
		Class: class(out), Message: surprise(l.Fails, out), Want: build.Ending(l.Fails),
		Got: strings.TrimSpace(build.Ending(out.Failure) + "\n" + out.Message + "\n" + out.Output),
	})
	return false
}

// check ends a case when the machinery around it failed.
func check(t *suite.T, err error) {
	if err != nil {
		t.Fatalf("suite", "the suite cannot build this: %v", err)
	}
}
