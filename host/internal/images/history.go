// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// chainOf returns the indexes of the stages that the target consists of,
// lowest first: the target, the stage it starts from, and so on down.
func chainOf(c *irv1.ResolvedContainer) ([]int, error) {
	stages := c.GetStages()
	if len(stages) == 0 {
		return nil, fmt.Errorf("assembling an image: the build has no stage")
	}
	var chain []int
	for at := len(stages) - 1; ; {
		chain = append([]int{at}, chain...)
		base := stages[at].GetBase()
		if base.GetKind() != irv1.InputKind_INPUT_KIND_STAGE {
			return chain, checkBase(c, base)
		}
		if int(base.GetIndex()) >= at {
			return nil, fmt.Errorf("assembling an image: stage %d starts from stage %d, which is not an earlier one", at, base.GetIndex())
		}
		at = int(base.GetIndex())
	}
}

func checkBase(c *irv1.ResolvedContainer, base *irv1.Input) error {
	switch base.GetKind() {
	case irv1.InputKind_INPUT_KIND_SCRATCH:
		return nil
	case irv1.InputKind_INPUT_KIND_IMAGE:
		if int(base.GetIndex()) < len(c.GetImages()) {
			return nil
		}
	}
	return fmt.Errorf("assembling an image: a stage starts from %v %d, which is neither scratch nor an image of the build", base.GetKind(), base.GetIndex())
}

// history has one entry for every step of the chain, with the step's source
// text, and as many entries that are not empty as there are blobs, both in
// order (image-spec, config.md, "history"). A step that made several layers
// has several entries.
func history(stages []*irv1.ResolvedStage, chain []int, blobs []*backendv1.Blob, created v1.Time) ([]v1.History, error) {
	var entries []v1.History
	for _, n := range chain {
		for i, step := range stages[n].GetSteps() {
			made := layersOf(blobs, n, i)
			blobs = blobs[made:]
			for k := range max(made, 1) {
				entries = append(entries, v1.History{Created: created, CreatedBy: step.GetText(), EmptyLayer: k >= made})
			}
		}
	}
	if len(blobs) > 0 {
		ref := blobs[0].GetRef()
		return nil, artifactError(blobs[0].GetDigest(), fmt.Sprintf("the backend says that this layer is of step %d of stage %d, which is not so or not in order",
			ref.GetStep(), ref.GetStage()), nil)
	}
	return entries, nil
}

// layersOf counts the first blobs that are of a step.
func layersOf(blobs []*backendv1.Blob, stage, step int) int {
	for n, b := range blobs {
		ref := b.GetRef()
		if ref == nil || int(ref.GetStage()) != stage || int(ref.GetStep()) != step {
			return n
		}
	}
	return len(blobs)
}

// padHistory makes the history of a base agree with the number of its layers,
// so that ours can follow: there are images with less history than layers, and
// with none.
func padHistory(entries []v1.History, layers int) []v1.History {
	n := 0
	for _, e := range entries {
		if !e.EmptyLayer {
			n++
		}
	}
	if n > layers {
		entries, n = nil, 0
	}
	for range layers - n {
		entries = append(entries, v1.History{Comment: "layer of the base image"})
	}
	return entries
}
