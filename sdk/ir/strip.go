// SPDX-License-Identifier: Apache-2.0

package ir

import "github.com/zlayer/zlayer/sdk/gen/irv1"

// StripSource removes from a build, in place, what says nothing about what is
// built: ranges, comments and the names of files.
func StripSource(b *irv1.Build) {
	if b == nil {
		return
	}
	b.Files = nil
	Walk(b, func(_ string, node any) bool {
		setRange(node, nil)
		switch n := node.(type) {
		case *irv1.Stage:
			n.Comment = ""
		case *irv1.Step:
			n.Comment = ""
		}
		return true
	})
}

// StripResolved removes all ranges from a resolved build, in place.
func StripResolved(b *irv1.ResolvedBuild) {
	if w := b.GetWasm(); w != nil {
		w.Range = nil
		for _, o := range w.Options {
			if o != nil {
				o.Range = nil
			}
		}
	}
	for _, s := range b.GetContainer().GetStages() {
		if s == nil {
			continue
		}
		s.Range = nil
		for _, step := range s.Steps {
			if step != nil {
				step.Range = nil
			}
		}
	}
}
