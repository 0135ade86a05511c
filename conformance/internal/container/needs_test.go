// SPDX-License-Identifier: Apache-2.0

//go:build system

package container

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/conformance/vectors"
)

// root is the top of the tree, where "make build" puts plugins.
const root = "../../.."

// opened opens a plugin of the bundle.
func opened(t *testing.T, id string) *target.Target {
	t.Helper()
	p, err := target.Open(filepath.Join(root, "bin", "plugins", id))
	if err != nil {
		t.Fatal("run make build first: ", err)
	}
	if p.Bundle, err = filepath.Abs(filepath.Join(root, "bin", "plugins")); err != nil {
		t.Fatal(err)
	}
	p.Environ, p.Work = os.Environ(), t.TempDir()
	return p
}

// TestAfterNeedsNoMore: a case that is excused when a feature is missing
// excuses those after it, which must need that feature too.
func TestAfterNeedsNoMore(t *testing.T) {
	p := opened(t, "sandbox-backend")
	p.Manifest.Capabilities.Features = nil
	s := newSection(p)
	defer s.close()
	h, err := s.shared.declared()
	if err != nil {
		t.Fatal(err)
	}
	all, err := vectors.Containers()
	if err != nil {
		t.Fatal(err)
	}
	needs := map[string][]string{}
	results := suite.Run(t.Context(), []suite.Case{{Name: "needs", Run: func(ctx context.Context, t *suite.T) {
		for _, v := range all {
			_, r := s.lay(t, v)
			needs[v.Name] = s.undeclared(ctx, h, r)
		}
	}}}, suite.Options{})
	if results[0].Status != suite.Passed {
		t.Fatalf("%+v", results)
	}
	for _, v := range all {
		for _, before := range v.After {
			for _, feature := range needs[before] {
				if !slices.Contains(needs[v.Name], feature) {
					t.Errorf("%s comes after %s, and does not need %s", v.Name, before, feature)
				}
			}
		}
	}
}
