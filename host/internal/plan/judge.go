// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"cmp"
	"path"
	"slices"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// judge compares what a build needs with what a backend can do.
func judge(needs []need, c Candidate, experimental bool) Verdict {
	v := Verdict{ID: c.ID, Problem: c.Problem, asked: c.Description != nil}
	if v.Problem != "" {
		return v
	}
	for _, n := range needs {
		m := Missing{}
		if n.feature != "" {
			m = judgeFeature(n, c)
		} else {
			m = v.judgePlatform(n, c)
		}
		switch {
		case m.Reason == backend.ReasonExperimental && experimental:
			v.Waived = append(v.Waived, m.Feature)
		case m.Reason != "":
			v.Missing = append(v.Missing, m)
		}
	}
	return v
}

// judgeFeature returns a Missing without a reason when the backend has it.
func judgeFeature(n need, c Candidate) Missing {
	m := Missing{Feature: n.feature, Uses: n.uses, Alternative: alternative(n.feature)}
	if !slices.Contains(c.Capabilities.Features, n.feature) {
		m.Reason = ReasonNotSupported
		return m
	}
	for _, s := range c.Description.GetSubtracted() {
		if s.GetFeature() != n.feature || (m.Reason != "" && s.GetReason() == backend.ReasonExperimental) {
			continue
		}
		m.Reason, m.Message = cmp.Or(s.GetReason(), ReasonNotSupported), s.GetMessage()
		m.Alternative = cmp.Or(s.GetAlternative(), m.Alternative)
	}
	return m
}

// judgePlatform returns a Missing without a reason when the backend has the
// platform, and notes how commands run. What it lists in the manifest it can
// assemble; running commands is what its description adds.
func (v *Verdict) judgePlatform(n need, c Candidate) Missing {
	m := Missing{Platform: ir.FormatPlatform(n.platform), Uses: n.uses}
	if !slices.ContainsFunc(c.Capabilities.Platforms, func(p string) bool { return matches(p, n.platform) }) {
		m.Reason = ReasonNotSupported
		return m
	}
	if len(n.runs) == 0 || c.Description == nil {
		return m
	}
	mode := runMode(c.Description, n.platform)
	if mode == backendv1.RunMode_RUN_MODE_NONE {
		m.Uses = n.runs
		m.Reason, m.Alternative = ReasonCannotRun, alternativePlatform(c.Description, n.platform)
	}
	v.Runs = append(v.Runs, Run{m.Platform, mode})
	return m
}

// matches says whether a pattern of the manifest covers a platform. A variant
// that the pattern leaves out is any.
func matches(pattern string, p *irv1.Platform) bool {
	name := p.GetOs() + "/" + p.GetArchitecture()
	if pattern == "*" || pattern == ir.FormatPlatform(p) {
		return true
	}
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// runMode is how commands of a platform run: the best that is said about it.
func runMode(d *backendv1.DescribeResponse, want *irv1.Platform) backendv1.RunMode {
	best := backendv1.RunMode_RUN_MODE_NONE
	for _, s := range d.GetPlatforms() {
		have := s.GetPlatform()
		if have.GetOs() != want.GetOs() || have.GetArchitecture() != want.GetArchitecture() ||
			(have.GetVariant() != "" && want.GetVariant() != "" && have.GetVariant() != want.GetVariant()) {
			continue
		}
		if s.GetRun() == backendv1.RunMode_RUN_MODE_NATIVE || best == backendv1.RunMode_RUN_MODE_NONE {
			best = s.GetRun()
		}
	}
	return best
}
