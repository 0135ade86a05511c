// SPDX-License-Identifier: Apache-2.0

// Package plan chooses the backend for a resolved build: the first one, in
// order of preference, that has every feature and platform the build needs.
// When none does it says why, place by place, and what else could be done.
//
// It is pure: it starts nothing and reads nothing. What a backend says about
// this machine is an input, and Plan.Ask names the one whose answer is missing.
package plan

import (
	"cmp"
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Request is what a plan is made for.
type Request struct {
	// Build is what is built.
	Build *irv1.ResolvedBuild
	// Candidates are the installed backends, in the order that counts where
	// Prefer says nothing.
	Candidates []Candidate
	// Prefer are ids of backends, the preferred one first.
	Prefer []string
	// Backend is the id of the only backend the user accepts. Empty: any.
	Backend string
	// Experimental says that the user allows what a backend calls
	// experimental.
	Experimental bool
	// Explain asks about backends that are not chosen too.
	Explain bool
}

// Candidate is an installed backend.
type Candidate struct {
	// ID is its id.
	ID string
	// Capabilities are the most it can do, as its manifest says.
	Capabilities manifest.Capabilities
	// Description is what it says about this machine. Nil when it was not
	// asked: then the manifest counts.
	Description *backendv1.DescribeResponse
	// Problem says why it cannot be used at all. Empty when it can.
	Problem string
}

// Plan is who builds, and why.
type Plan struct {
	// Backend is the id of the chosen backend. Empty when none fits.
	Backend string
	// Ask is a backend whose Description is missing. The plan is final when
	// Ask is empty; otherwise it has to be made again with the Description, or
	// with the Problem of getting one.
	Ask string
	// Verdicts judge every candidate, the preferred one first.
	Verdicts []Verdict

	request Request
	needs   []need
}

// Verdict says whether one backend fits.
type Verdict struct {
	// ID is the backend.
	ID string
	// Problem says why it cannot be used at all. Then nothing else is known.
	Problem string
	// Missing is what it lacks, in the order of first use.
	Missing []Missing
	// Runs says how it would run the commands of each platform.
	Runs []Run
	// Waived are the experimental features it would use because the user
	// allows it.
	Waived []string

	asked bool // it said what it can do here
}

// Run says how a backend runs commands of a platform.
type Run struct {
	// Platform is "os/architecture[/variant]".
	Platform string
	// Mode is how.
	Mode backendv1.RunMode
}

// Fits says whether nothing is in the way.
func (v Verdict) Fits() bool { return v.Problem == "" && len(v.Missing) == 0 }

// Missing is one thing that a build needs and a backend lacks.
type Missing struct {
	// Feature is the id of the feature. Empty when a platform is missing.
	Feature string
	// Platform is "os/architecture[/variant]". Empty for a feature.
	Platform string
	// Uses are the places that need it, the first one first. At least one.
	Uses []ir.Use
	// Reason is a stable kebab-case class: "not-supported" when the manifest
	// does not list it, "cannot-run" for a platform whose commands do not run
	// here, else what the backend says; "experimental" when the user only has
	// to allow it.
	Reason string
	// Message is the backend's own sentence about why. May be empty.
	Message string
	// Alternative is one sentence: what to do instead. May be empty.
	Alternative string
}

// The reasons that do not come from a backend.
const (
	ReasonNotSupported = "not-supported"
	ReasonCannotRun    = "cannot-run"
)

// Make makes the plan. A backend that the user named is the only one it
// chooses: it never falls back to another in silence.
func Make(r Request) Plan {
	p := Plan{request: r, needs: needsOf(r.Build)}
	for _, c := range inOrder(r.Candidates, r.Prefer) {
		p.Verdicts = append(p.Verdicts, judge(p.needs, c, r.Experimental))
	}
	for _, v := range p.Verdicts {
		if v.Fits() && (r.Backend == "" || r.Backend == v.ID) {
			p.Backend = v.ID
			break
		}
	}
	p.Ask = p.ask()
	return p
}

// Fits says whether a candidate fits when it says d of this machine, whatever
// is preferred.
func Fits(r Request, id string, d *backendv1.DescribeResponse) bool {
	i := slices.IndexFunc(r.Candidates, func(c Candidate) bool { return c.ID == id })
	if i < 0 {
		return false
	}
	c := r.Candidates[i]
	c.Description = d
	return judge(needsOf(r.Build), c, r.Experimental).Fits()
}

// inOrder sorts candidates by preference.
func inOrder(list []Candidate, prefer []string) []Candidate {
	rank := func(c Candidate) int {
		if i := slices.Index(prefer, c.ID); i >= 0 {
			return i
		}
		return len(prefer)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Candidate) int { return cmp.Compare(rank(a), rank(b)) })
	return list
}

// ask returns whom to ask next: who would be chosen, and where the choice has
// to be explained, all whose answer counts for that.
func (p Plan) ask() string {
	for _, v := range p.Verdicts {
		if !v.asked && (v.ID == p.Backend || p.explains(v)) {
			return v.ID
		}
	}
	return ""
}

// explains says whether an explanation of the plan is about a backend: with a
// backend that the user named, only about that one and those that would fit.
func (p Plan) explains(v Verdict) bool {
	if p.Backend != "" && !p.request.Explain {
		return false
	}
	named := p.request.Backend
	return p.near(v) && (named == "" || named == v.ID || v.Fits() || p.request.Explain)
}

// near says whether a backend has something of what the build needs. One that
// makes wasm modules has nothing of what an image needs.
func (p Plan) near(v Verdict) bool {
	return v.Problem == "" && (v.Fits() || len(v.Missing) < len(p.needs))
}
