// SPDX-License-Identifier: Apache-2.0

//go:build system

package container_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/conformance/internal/container"
	"github.com/zlayer/zlayer/conformance/internal/target"
	"github.com/zlayer/zlayer/conformance/suite"
)

// root is the top of the tree, where "make build" puts plugins.
const root = "../../.."

// TestBackends runs the section for both container backends, with their lists
// of known failures.
func TestBackends(t *testing.T) {
	for _, id := range []string{"buildah-backend", "sandbox-backend"} {
		t.Run(id, func(t *testing.T) {
			known := knownOf(t, id)
			results := run(t, id, suite.Options{Known: known, Parallel: 2})
			for _, line := range known.Stale(true) {
				t.Errorf("conformance.txt: %s", line)
			}
			for _, r := range results {
				if r.Status != suite.Passed && r.Status != suite.KnownFailing {
					t.Errorf("%s: %s %s %+v", r.Name, r.Status, r.Why, r.Problems)
				}
			}
		})
	}
}

// run runs cases for a plugin of the bundle.
func run(t *testing.T, id string, o suite.Options) []suite.Result {
	t.Helper()
	p, err := target.Open(filepath.Join(root, "bin", "plugins", id))
	if err != nil {
		t.Fatal("run make build first: ", err)
	}
	if p.Bundle, err = filepath.Abs(filepath.Join(root, "bin", "plugins")); err != nil {
		t.Fatal(err)
	}
	p.Environ, p.Work = os.Environ(), t.TempDir()
	cases, done, err := container.Cases(p)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if o.Declared == nil {
		o.Declared = p.Declares
	}
	return suite.Run(context.Background(), cases, o)
}

// knownOf is the list of known failures that a plugin has.
func knownOf(t *testing.T, id string) *suite.Known {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "plugins", id, "conformance.txt"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	known, err := suite.ParseKnown(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return known
}
