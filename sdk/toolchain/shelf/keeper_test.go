// SPDX-License-Identifier: Apache-2.0

package shelf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// The life of an artifact: staged, kept, asked for, exported, removed.
func TestKeeper(t *testing.T) {
	state, out := t.TempDir(), t.TempDir()
	var artifact *backendv1.Artifact
	var dir string
	err := shelf.Stage(state, "job-1", func(d string) (err error) {
		dir = d
		file := filepath.Join(d, "m")
		if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
			return err
		}
		artifact, err = shelf.Keep(state, file, &backendv1.StepRef{Step: 3})
		return err
	})
	if err != nil || artifact.GetHandle() != helloDigest || artifact.GetBlobs()[0].GetRef().GetStep() != 3 {
		t.Fatalf("%v, %v", artifact, err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the job's folder: %v", err)
	}
	var k shelf.Keeper
	has := func() bool {
		ok, err := k.Has(t.Context(), &backendv1.HasRequest{StateDir: state, Handle: helloDigest})
		if err != nil {
			t.Error(err)
		}
		return ok
	}
	export := &backendv1.ExportRequest{StateDir: state, Handle: helloDigest, Digests: []string{helloDigest}, Directory: out}
	if err := k.Export(t.Context(), export); err != nil || !has() {
		t.Errorf("Export = %v", err)
	}
	export.Digests = []string{strings.Replace(helloDigest, "2", "3", 1)}
	if err := k.Export(t.Context(), export); err == nil || !strings.Contains(err.Error(), "has no blob") {
		t.Errorf("Export of another artifact's blob = %v", err)
	}
	if err := k.Remove(t.Context(), &backendv1.RemoveRequest{StateDir: state, Handles: []string{helloDigest}}); err != nil || has() {
		t.Errorf("Remove = %v", err)
	}
}

func TestStageLeavesNothing(t *testing.T) {
	state, bad := t.TempDir(), errors.New("bad")
	if err := shelf.Stage(state, "job", func(string) error { return bad }); !errors.Is(err, bad) {
		t.Errorf("Stage = %v", err)
	}
	if left, _ := os.ReadDir(filepath.Join(state, "jobs")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	for _, id := range []string{"", ".", "..", "../x", "a/b"} {
		if err := shelf.Stage(state, id, func(string) error { return nil }); err == nil {
			t.Errorf("job %q has a folder", id)
		}
	}
}

func TestRecover(t *testing.T) {
	state := t.TempDir()
	dead := filepath.Join(state, "jobs", "dead")
	if err := os.MkdirAll(filepath.Join(dead, "target"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := &backendv1.RecoverRequest{StateDir: state, JobIds: []string{"dead", "unknown"}}
	for range 2 { // the second time it is not there
		if err := (shelf.Keeper{}).Recover(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("the dead job's folder: %v", err)
	}
}
