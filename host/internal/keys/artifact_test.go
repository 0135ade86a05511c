// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArtifactsOutliveTheirRecord(t *testing.T) {
	s := Open(filepath.Join(t.TempDir(), "keys"))
	if all, err := s.Artifacts(); err != nil || len(all) != 0 {
		t.Fatalf("an empty folder has %v, %v", all, err)
	}
	for _, handle := range []string{"one", "two"} { // the second build replaces the record of the first
		r := &Record{Backend: "b", Result: "sha256:0", Handle: handle}
		if err := s.Note(r.Artifact()); err != nil {
			t.Fatal(err)
		}
		if err := s.Put("k", r); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Records()
	if err != nil || len(records) != 1 || records["k"].Handle != "two" {
		t.Errorf("records are %v, %v", records, err)
	}
	all, err := s.Artifacts()
	if _, first := all[Artifact{"b", "one"}]; err != nil || len(all) != 2 || !first {
		t.Errorf("artifacts are %v, %v", all, err)
	}
	for range 2 { // what is not there is forgotten already
		if err := s.Forget(Artifact{"b", "one"}); err != nil {
			t.Error(err)
		}
		if err := s.Remove("k"); err != nil {
			t.Error(err)
		}
	}
	if all, _ := s.Artifacts(); len(all) != 1 {
		t.Errorf("artifacts are %v", all)
	}
	if err := os.WriteFile(s.path("broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if records, err := s.Records(); err != nil || len(records) != 1 || records["broken"] != nil {
		t.Errorf("records are %v, %v", records, err)
	}
}
