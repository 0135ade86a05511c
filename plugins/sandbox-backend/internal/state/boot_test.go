// SPDX-License-Identifier: Apache-2.0

package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// during opens a folder during a boot of the machine.
func during(t *testing.T, boot, dir string) *Folder {
	t.Helper()
	f, err := openDuring(t.Context(), dir, boot)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestTreesAreOfABoot: those of an earlier one are not used, and removed by
// whoever is alone first.
func TestTreesAreOfABoot(t *testing.T) {
	dir := t.TempDir()
	f := during(t, "first", dir)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before := f.Trees()
	f, second := during(t, "second", dir), during(t, "second", dir)
	if f.Trees() == before || f.Trees() != second.Trees() {
		t.Errorf("trees are in %s, then in %s and %s", before, f.Trees(), second.Trees())
	}
	if err := os.Mkdir(filepath.Join(dir, "trees"), 0o700); err != nil { // of versions that knew no boots
		t.Fatal(err)
	}
	var swept [][]string
	for _, one := range []*Folder{f, second} {
		one.Swept = func(func(string) bool) error {
			old, err := one.OldTrees()
			swept = append(swept, old)
			return err
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if len(swept) > 0 {
		t.Error("the folder was swept while it was in use")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	third := during(t, "second", dir)
	third.Swept = second.Swept
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{filepath.Join(dir, "trees"), before}}, swept); diff != "" {
		t.Errorf("old trees (-want +got):\n%s", diff)
	}
}

// TestATornLayerIsNotKnown: its step is carried out again, and its artifact is
// not there.
func TestATornLayerIsNotKnown(t *testing.T) {
	dir := t.TempDir()
	f := during(t, "first", dir)
	made := put(t, f, "one")
	remember(t, f, "aabb", made)
	artifact := Artifact{Blobs: []Made{made}}
	if err := f.Record(artifact); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	tar := filepath.Join(dir, "layers", "tars", made.Layer[len("sha256:"):])
	if err := os.WriteFile(tar, make([]byte, made.Size), 0o600); err != nil {
		t.Fatal(err)
	}
	f = during(t, "second", dir)
	defer f.Close()
	if _, ok := f.Known("aabb"); ok {
		t.Error("the step is known")
	}
	if has, err := f.Has(artifact.Handle()); has || err != nil {
		t.Errorf("Has = %v, %v", has, err)
	}
}
