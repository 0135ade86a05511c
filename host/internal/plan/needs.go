// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"slices"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// need is one thing a build needs: a feature or a platform.
type need struct {
	feature  string
	platform *irv1.Platform
	uses     []ir.Use
	runs     []ir.Use // the commands that run on the platform
}

// needsOf lists what a build needs, in the order of first use, features first.
func needsOf(b *irv1.ResolvedBuild) (needs []need) {
	add := func(use ir.Use) {
		i := slices.IndexFunc(needs, func(n need) bool { return n.feature == use.ID })
		if i < 0 {
			i = len(needs)
			needs = append(needs, need{feature: use.ID})
		}
		needs[i].uses = append(needs[i].uses, use)
	}
	for _, use := range ir.Uses(b) {
		add(use)
	}
	// The list in the build is what counts; it may hold ids of third parties
	// that have no place in the text.
	for _, id := range b.GetFeatures() {
		if !slices.ContainsFunc(needs, func(n need) bool { return n.feature == id }) {
			add(ir.Use{ID: id, Range: b.GetWasm().GetRange(), Stage: -1, Step: -1})
		}
	}
	return append(needs, platformsOf(b.GetContainer())...)
}

// platformsOf lists the platforms of the stages.
func platformsOf(c *irv1.ResolvedContainer) (needs []need) {
	for i, s := range c.GetStages() {
		name := ir.FormatPlatform(s.GetPlatform())
		at := slices.IndexFunc(needs, func(n need) bool { return ir.FormatPlatform(n.platform) == name })
		if at < 0 {
			at = len(needs)
			needs = append(needs, need{platform: s.GetPlatform()})
		}
		needs[at].uses = append(needs[at].uses, ir.Use{Range: s.GetRange(), Stage: i, Step: -1, Text: s.GetText()})
		needs[at].runs = append(needs[at].runs, commandsOf(i, s)...)
	}
	return needs
}

// commandsOf lists the commands of a stage.
func commandsOf(stage int, s *irv1.ResolvedStage) (uses []ir.Use) {
	for i, step := range s.GetSteps() {
		if step.GetExec() != nil {
			uses = append(uses, ir.Use{Range: step.GetRange(), Stage: stage, Step: i, Text: step.GetText()})
		}
	}
	return uses
}
