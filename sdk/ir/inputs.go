// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"path"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Input is what one step reads of one local build context. Everything under a
// path counts, apart from what the context's ignore file and Exclude leave out.
type Input struct {
	// Context is an index into the build's contexts. For a wasm build it is 0,
	// the project.
	Context int
	// Paths are relative to the context and clean; "." is all of it.
	Paths []string
	// Glob says that wildcards in the paths count as such (COPY and ADD). Then
	// which names match is an input too, also when none does.
	Glob bool
	// Deep says that "**" in a glob matches any number of directories (COPY
	// --parents).
	Deep bool
	// Exclude are the patterns of --exclude.
	Exclude []string
	// Stage and Step are indexes into the build; 0 for a wasm build.
	Stage, Step int
	// Range is the step's.
	Range *diagv1.Range
}

// Inputs returns exactly what a resolved build reads of its local contexts, in
// order of use: the sources of COPY and ADD and of bind and cache mounts. URLs
// and git repositories are not among them; a backend reports those when it has
// read them. A wasm build reads its whole context.
func Inputs(b *irv1.ResolvedBuild) []Input {
	if w := b.GetWasm(); w != nil {
		return []Input{{Paths: []string{"."}, Range: w.Range}}
	}
	var out []Input
	for i, s := range b.GetContainer().GetStages() {
		for j, step := range s.GetSteps() {
			for _, in := range stepInputs(step) {
				in.Stage, in.Step, in.Range = i, j, step.Range
				out = append(out, in)
			}
		}
	}
	return out
}

func stepInputs(s *irv1.ResolvedStep) []Input {
	if t := s.GetTransfer(); t != nil {
		return transferInputs(t)
	}
	var out []Input
	for _, m := range s.GetExec().GetMounts() {
		if isContext(m.From) {
			out = append(out, Input{Context: int(m.From.Index), Paths: []string{m.Source}})
		}
	}
	return out
}

func transferInputs(t *irv1.Transfer) []Input {
	if !isContext(t.From) {
		return nil
	}
	in := Input{Context: int(t.From.Index), Glob: true, Deep: t.Parents, Exclude: t.Exclude}
	for _, src := range t.Sources {
		if t.Add && Remote(src) != RemoteNone {
			continue
		}
		if head, tail, ok := strings.Cut(src, "/./"); ok && t.Parents {
			src = path.Join(head, tail)
		}
		in.Paths = append(in.Paths, src)
	}
	if len(in.Paths) == 0 {
		return nil
	}
	return []Input{in}
}

func isContext(in *irv1.Input) bool {
	return in.GetKind() == irv1.InputKind_INPUT_KIND_CONTEXT
}
