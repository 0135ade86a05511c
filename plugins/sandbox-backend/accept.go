// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// accept refuses what this machine cannot build. A host that plans asks for no
// such build; what it knows of the machine may be old.
func (s *sandbox) accept(described *backendv1.DescribeResponse, b *irv1.ResolvedBuild) error {
	if b.GetContainer() == nil {
		return backend.Sourcef(nil, "sandbox-backend builds container images, and the build is none")
	}
	for _, id := range b.GetFeatures() {
		if !slices.Contains(s.features, id) {
			return backend.Machinef(nil, "sandbox-backend does not know the feature %q, which the build needs", id)
		}
	}
	for _, use := range ir.Uses(b) {
		for _, lack := range described.GetSubtracted() {
			if lack.Feature == use.ID && lack.Reason != backend.ReasonExperimental {
				f := backend.Machinef(refOf(use.Stage, use.Step), "%s is not possible here: %s", lack.Feature, lack.Message)
				f.Help = lack.Alternative
				return f
			}
		}
	}
	return runnable(described, b.GetContainer().GetStages())
}

func refOf(stage, step int) *backendv1.StepRef {
	return &backendv1.StepRef{Stage: uint32(stage), Step: uint32(step)}
}

// runnable refuses commands of platforms that do not run here.
func runnable(described *backendv1.DescribeResponse, stages []*irv1.ResolvedStage) error {
	for n, s := range stages {
		i := slices.IndexFunc(s.Steps, func(step *irv1.ResolvedStep) bool { return step.GetExec() != nil })
		if i < 0 || slices.ContainsFunc(described.GetPlatforms(), func(p *backendv1.PlatformSupport) bool { return runs(p, s.Platform) }) {
			continue
		}
		f := backend.Machinef(refOf(n, i), "commands of platform %s do not run on this machine", ir.FormatPlatform(s.Platform))
		f.Help = fmt.Sprintf("build the files elsewhere, for example with a cross compiler, and COPY them; steps without commands work for %s, too", ir.FormatPlatform(s.Platform))
		return f
	}
	return nil
}

// runs says whether a platform's commands run. A variant that either side
// leaves out is any.
func runs(have *backendv1.PlatformSupport, want *irv1.Platform) bool {
	p := have.GetPlatform()
	return have.GetRun() != backendv1.RunMode_RUN_MODE_NONE &&
		p.GetOs() == want.GetOs() && p.GetArchitecture() == want.GetArchitecture() &&
		(p.GetVariant() == "" || want.GetVariant() == "" || p.GetVariant() == want.GetVariant())
}
