// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"os"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// wasi is the only module that a frontend may import from.
const wasi = "wasi_snapshot_preview1"

// frontend lists what is looked at in frontends.
func (p plugin) frontend() []look {
	return []look{
		{name: "module-reads", about: "the main file is a wasm module", spec: []string{"M10"}, run: p.moduleReads, gate: true},
		{name: "module-exports", about: "the module exports _start and memory", spec: []string{"M10"}, run: p.moduleExports, gate: true},
		{name: "module-imports", about: "the module imports nothing but functions of WASI preview1", spec: []string{"M10"}, run: p.moduleImports, gate: true},
		{name: "claims-discovered", about: "what a file is found by is also what is claimed", spec: []string{"M11"}, run: p.claimsDiscovered},
		{name: "claims-not-everything", about: "no claim matches every name", spec: []string{"M12"}, level: suite.Should, run: p.claimsNotEverything},
	}
}

// module reads the main file.
func (p plugin) module(t *suite.T) *module {
	data, err := os.ReadFile(p.Main)
	if err != nil {
		t.Fatalf("file", "%v", err)
	}
	m, err := readModule(data)
	if err != nil {
		t.Fatalf("module", "it is no wasm module: %v", err)
	}
	return m
}

func (p plugin) moduleReads(t *suite.T) { p.module(t) }

func (p plugin) moduleExports(t *suite.T) {
	m := p.module(t)
	for _, want := range []struct {
		name string
		kind byte
		what string
	}{{"_start", functionKind, "function"}, {"memory", memoryKind, "memory"}} {
		if kind, ok := m.exports[want.name]; !ok || kind != want.kind {
			t.Failf("module", "it exports no %s called %s", want.what, want.name)
		}
	}
}

func (p plugin) moduleImports(t *suite.T) {
	for _, i := range p.module(t).imports {
		switch {
		case i.module != wasi:
			t.Failf("module", "it imports %s of %s, which nobody gives it", i.name, i.module)
		case i.kind != functionKind:
			t.Failf("module", "it imports %s, which is no function", i.name)
		}
	}
}

// claimsDiscovered looks for patterns by which the frontend would be given a
// file that it does not claim.
func (p plugin) claimsDiscovered(t *suite.T) {
	claims := p.Manifest.Claims
	for _, pattern := range claims.Discover {
		name := example(pattern)
		if !strings.Contains(pattern, "[") && claims.Match(name) == manifest.NoMatch {
			t.Failf("manifest", "claims.discover has %q, and no pattern of claims.files matches %q", pattern, name)
		}
	}
}

// claimsNotEverything looks for patterns that leave nothing to other frontends.
func (p plugin) claimsNotEverything(t *suite.T) {
	claims := p.Manifest.Claims
	for _, pattern := range append(claims.Files, claims.Discover...) {
		if strings.Trim(pattern, "*?") == "" {
			t.Failf("manifest", "the pattern %q matches the files of other frontends", pattern)
		}
	}
}

// example is a name that a pattern without brackets matches.
func example(pattern string) string {
	return strings.NewReplacer(`\`, "", "*", "x", "?", "x").Replace(pattern)
}
