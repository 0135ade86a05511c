// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// recoverer is a driver that notes what it is to empty.
type recoverer struct {
	*fake
	emptied []string
}

func (r *recoverer) Recover(_ context.Context, dir string) error {
	r.emptied = append(r.emptied, dir)
	return nil
}

// TestTreesOfAnEarlierBootGo before the first build of the next: the folder says
// during which boot it was swept.
func TestTreesOfAnEarlierBootGo(t *testing.T) {
	r := newRig(t)
	d := &recoverer{fake: r.driver}
	r.backend.driver = d
	has := func() {
		t.Helper()
		if _, err := r.backend.Has(t.Context(), &backendv1.HasRequest{StateDir: r.state}); err != nil {
			t.Fatal(err)
		}
	}
	has()
	old := filepath.Join(r.state, "trees-earlier")
	if err := os.MkdirAll(filepath.Join(old, "lower", "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	has()
	if _, err := os.Stat(old); err != nil {
		t.Errorf("in the same boot nothing is swept: %v", err)
	}
	if err := os.WriteFile(filepath.Join(r.state, "swept"), []byte("earlier"), 0o600); err != nil {
		t.Fatal(err)
	}
	has()
	if _, err := os.Stat(old); err == nil || !slices.Equal(d.emptied, []string{old}) {
		t.Errorf("the trees are there; the driver emptied %q", d.emptied)
	}
	if found, _ := filepath.Glob(filepath.Join(r.state, "trees*")); len(found) != 1 {
		t.Errorf("trees: %v", found)
	}
}
