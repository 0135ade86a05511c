// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/ir"
)

// backend lists what is looked at in backends.
func (p plugin) backend() []look {
	return []look{
		{name: "executable", about: "the main files have a mode with which they can be run", spec: []string{"M9"}, run: p.executable, gate: true},
		{name: "features-known", about: "every feature is one that a build can need, or a vendor's", spec: []string{"M13"}, run: p.featuresKnown},
		{name: "features-buildable", about: "who builds wasm modules has a target for them", spec: []string{"M13"}, run: p.featuresBuildable},
		{name: "platforms", about: "platforms are declared where there are container images", spec: []string{"M14"}, run: p.platforms},
		{name: "permissions", about: "permissions name what the features need", spec: []string{"M15"}, level: suite.Should, run: p.permissions},
		{name: "environment", about: "no variable is asked for that changes what is run, and no prefix that is everything", spec: []string{"M16"}, level: suite.Should, run: p.environment},
	}
}

func (p plugin) featuresKnown(t *suite.T) {
	seen := map[string]bool{}
	for _, id := range p.Manifest.Capabilities.Features {
		vendor, _, prefixed := strings.Cut(id, "/")
		f, known := ir.LookupFeature(id)
		switch {
		case seen[id]:
			t.Failf("manifest", "capabilities.features has %q twice", id)
		case prefixed && !strings.Contains(vendor, "."):
			t.Failf("manifest", "the feature %q does not begin with a domain", id)
		case !prefixed && !known:
			t.Failf("manifest", "there is no feature %q; one of your own is %q", id, "vendor.example/"+id)
		case known && !f.Resolved:
			t.Failf("manifest", "no backend is asked for the feature %q: it is resolved before", id)
		}
		seen[id] = true
	}
}

// featuresBuildable looks for a wasm backend without a target, which is never
// asked.
func (p plugin) featuresBuildable(t *suite.T) {
	targets := []string{"wasm.preview1", "wasm.preview2"}
	if p.Is(target.Wasm) && !slices.ContainsFunc(targets, p.Declares) {
		t.Failf("manifest", "it builds wasm modules, and has no target for them: %s", strings.Join(targets, ", "))
	}
}

func (p plugin) platforms(t *suite.T) {
	if p.Is(target.Container) && len(p.Manifest.Capabilities.Platforms) == 0 {
		t.Failf("manifest", "it builds container images, and capabilities.platforms is empty")
	}
}

// permissions compares what can be known from the features alone.
func (p plugin) permissions(t *suite.T) {
	declared := p.Manifest.Permissions
	for _, id := range []string{"add.url", "add.git"} {
		if p.Declares(id) && (declared == nil || !declared.Network) {
			t.Failf("manifest", "it has the feature %s, and permissions.network is not set", id)
		}
	}
	if declared == nil {
		return
	}
	for _, name := range declared.Privileges {
		if !slices.Contains([]string{"mount", "user-namespace"}, name) {
			t.Failf("manifest", "permissions.privileges has %q, which nobody knows", name)
		}
	}
	for _, name := range declared.Tools {
		if strings.Contains(name, "/") {
			t.Failf("manifest", "permissions.tools has %q, which is not the name of a program", name)
		}
	}
}

// environment looks for variables that let a user's environment decide which
// code runs in the plugin, and for prefixes that pass nearly everything.
func (p plugin) environment(t *suite.T) {
	const shortest = 3
	for _, name := range p.Manifest.Environment {
		prefix, many := strings.CutSuffix(name, "*")
		switch {
		case many && len(prefix) < shortest:
			t.Failf("manifest", "environment has %q, which passes nearly everything", name)
		case strings.HasPrefix(prefix, "LD_") || strings.HasPrefix(prefix, "DYLD_"):
			t.Failf("manifest", "environment has %q, by which others decide what code runs", name)
		}
	}
}
