// SPDX-License-Identifier: Apache-2.0

// Package contract holds the cases about what a plugin is before it runs: its
// manifest, and the files that the manifest means.
package contract

import (
	"context"
	"errors"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// section is the name before the slash of all cases.
const section = "contract/"

// plugin is what is looked at. Nothing of it is run.
type plugin struct{ *target.Target }

// look is a case without what all have.
type look struct {
	name, about string
	spec        []string
	level       suite.Level
	run         func(*suite.T)
	// gate is set when a plugin that fails may not be run.
	gate bool
}

// Cases returns the cases for a plugin, and the names of those without which it
// may not be run.
func Cases(t *target.Target) (cases []suite.Case, gates []string) {
	p := plugin{t}
	looks := []look{
		{name: "manifest-valid", about: "the manifest can be read and says what its kind needs", spec: []string{"M1", "M2", "M3", "M7"}, run: p.manifestValid, gate: true},
		{name: "files-there", about: "every file of the manifest is a file inside of the plugin's folder", spec: []string{"M4", "M9"}, run: p.filesThere, gate: true},
		{name: "digests", about: "every file is the one that the manifest means", spec: []string{"M4"}, run: p.digests, gate: true},
	}
	if t.Is(target.Frontend) {
		looks = append(looks, p.frontend()...)
	}
	if t.Is(target.Container) || t.Is(target.Wasm) {
		looks = append(looks, p.backend()...)
	}
	for _, l := range looks {
		c := suite.Case{
			Name: section + l.name, About: l.about, Spec: l.spec, Level: l.level, After: gates,
			Run: func(_ context.Context, t *suite.T) { l.run(t) },
		}
		cases = append(cases, c)
		if l.gate {
			gates = append(gates[:len(gates):len(gates)], c.Name)
		}
	}
	return cases, gates
}

// manifestValid reports each thing that is wrong with the manifest.
func (p plugin) manifestValid(t *suite.T) {
	var invalid *manifest.InvalidError
	if !errors.As(p.Invalid, &invalid) {
		if p.Invalid != nil {
			t.Failf("manifest", "%v", p.Invalid)
		}
		return
	}
	for _, problem := range invalid.Problems {
		t.Failf("manifest", "%s", problem)
	}
}
