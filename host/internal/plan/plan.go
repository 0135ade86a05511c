// SPDX-License-Identifier: Apache-2.0

// Package plan chooses the backend for a resolved build: the first one, in
// order of preference, that has every feature and platform the build needs.
// When none does it says why, place by place, and what else could be done.
//
// It is pure: it starts nothing and reads nothing. What a backend says about
// this machine is an input, and Plan.Ask names the one whose answer is missing.
package plan

import (
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Request is what a plan is made for.
type Request struct {
	// Build is what is built.
	Build *irv1.ResolvedBuild
	// Candidates are the installed backends, the preferred one first.
	Candidates []Candidate
	// Backend is the id of the only backend the user accepts. Empty: any.
	Backend string
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
}

// Plan is who builds, and why.
type Plan struct {
	// Backend is the id of the chosen backend. Empty when none fits.
	Backend string
	// Ask is Backend while it has no Description yet. The plan is final when
	// Ask is empty; otherwise it has to be made again with the Description.
	Ask string
	// Verdicts judge every candidate, in the order of the request.
	Verdicts []Verdict

	request Request
	needs   []need
}

// Verdict says whether one backend fits.
type Verdict struct {
	// ID is the backend.
	ID string
	// Missing is what it lacks, in the order of first use. Empty: it fits.
	Missing []Missing
	// Emulated are the platforms whose commands it would run in emulation.
	Emulated []string
}

// Fits says whether nothing is missing.
func (v Verdict) Fits() bool { return len(v.Missing) == 0 }

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
	// here, else what the backend says.
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
	for _, c := range r.Candidates {
		v := judge(p.needs, c)
		p.Verdicts = append(p.Verdicts, v)
		if !v.Fits() || p.Backend != "" || (r.Backend != "" && r.Backend != c.ID) {
			continue
		}
		p.Backend = c.ID
		if c.Description == nil {
			p.Ask = c.ID
		}
	}
	return p
}
