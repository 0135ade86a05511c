// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Use is one place of a build that needs a feature.
type Use struct {
	// ID is the feature's id.
	ID string
	// Range is where the source asks for it: the smallest node known. May be
	// nil.
	Range *diagv1.Range
	// Stage and Step are indexes into the build that was asked about. Step is
	// -1 for what a stage, and Stage -1 for what the build as a whole needs.
	Stage, Step int
	// Text is the source text of the step. Empty when there is no step.
	Text string
}

// uses collects the needs of one node after the other.
type uses struct {
	list        []Use
	stage, step int
	text        string
	rng         *diagv1.Range
}

// need records that the current node needs a feature. Without a range of its
// own the step's is taken.
func (u *uses) need(id string, at *diagv1.Range) {
	if at == nil {
		at = u.rng
	}
	u.list = append(u.list, Use{ID: id, Range: at, Stage: u.stage, Step: u.step, Text: u.text})
}

// needIf is need when a condition holds.
func (u *uses) needIf(cond bool, id string, at *diagv1.Range) {
	if cond {
		u.need(id, at)
	}
}

// ids returns the ids of a list of uses, sorted, each once. It is never nil.
func ids(list []Use) []string {
	out := make([]string, 0, len(list))
	for _, u := range list {
		out = append(out, u.ID)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
