// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

func (r *rig) has(handle string) bool {
	r.t.Helper()
	has, err := r.backend.Has(r.t.Context(), &backendv1.HasRequest{StateDir: r.state, Handle: handle})
	if err != nil {
		r.t.Fatal(err)
	}
	return has
}

func (r *rig) remove(handles ...string) {
	r.t.Helper()
	if err := r.backend.Remove(r.t.Context(), &backendv1.RemoveRequest{StateDir: r.state, Handles: handles}); err != nil {
		r.t.Fatal(err)
	}
}

// big is content that shows in the size of a folder.
var big = string(make([]byte, 1<<20))

func TestRemove(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"shared": big, "one": big + "1", "two": big + "2", "tool": big + "3"})
	shared := copyFiles("/", "shared")
	one := r.must(stage(scratch(), copyFiles("/", "tool"), run("compile")), stage(scratch(), shared, copyFiles("/", "one"), copyFrom(stageInput(0), "/", "compile")))
	two := r.must(stage(scratch(), shared, copyFiles("/", "two")))
	full := written(t, r.state)
	if full < 4<<20 {
		t.Fatalf("the state folder has %d bytes", full)
	}
	plugintest.Forget(t, r.backend, r.state, one.Artifact.Handle)
	if freed := full - written(t, r.state); freed < 2<<20 || freed > 5<<19 {
		t.Errorf("the first artifact gave back %d bytes, want 2 MiB: its own layer, and that of its other stage", freed)
	}
	if !r.has(two.Artifact.Handle) {
		t.Error("the other artifact lost something")
	}
	if got := ran(r.must(stage(scratch(), shared, copyFiles("/", "two")))); len(got) > 0 {
		t.Errorf("the steps of the other artifact ran again: %v", got)
	}
	plugintest.Forget(t, r.backend, r.state, two.Artifact.Handle)
	if left := written(t, r.state); left > 64<<10 {
		t.Errorf("%d bytes are left when all is removed", left)
	}
	r.remove("", "../../etc", two.Artifact.Handle, "unknown")
}

// An artifact that is removed while a build uses its layers keeps them until
// the build has ended.
func TestRemoveBesideABuild(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": big})
	before := r.must(stage(scratch(), copyFiles("/", "a")))
	r.driver.on("use", func(context.Context, driver.Command) ([]layer.Entry, error) {
		r.remove(before.Artifact.Handle)
		return []layer.Entry{file("used", "")}, nil
	})
	built := r.must(stage(scratch(), copyFiles("/", "a"), run("use")))
	if r.has(before.Artifact.Handle) {
		t.Error("the removed artifact is still there")
	}
	if !r.has(built.Artifact.Handle) {
		t.Error("the new artifact lost a layer")
	}
	r.remove(built.Artifact.Handle)
	if left := written(t, r.state); left > 64<<10 {
		t.Errorf("%d bytes are left when all is removed", left)
	}
}

// An artifact whose layer somebody deleted is not there, and is built again.
func TestADamagedStore(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	built := r.must(stage(scratch(), copyFiles("/", "a")))
	if err := os.RemoveAll(filepath.Join(r.state, "layers")); err != nil {
		t.Fatal(err)
	}
	if r.has(built.Artifact.Handle) {
		t.Error("the artifact is still there")
	}
	again := r.must(stage(scratch(), copyFiles("/", "a")))
	if got, want := contents(t, again), "[a=A]"; got != want {
		t.Errorf("layers are %s, want %s", got, want)
	}
	if !r.has(built.Artifact.Handle) {
		t.Error("the artifact did not come back")
	}
}

func TestExportOfWhatIsNotThere(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	built := r.must(stage(scratch(), copyFiles("/", "a")))
	for _, request := range []*backendv1.ExportRequest{
		{Handle: "unknown"},
		{Handle: "../artifacts/" + built.Artifact.Handle},
		{Handle: built.Artifact.Handle, Digests: []string{"sha256:00"}},
		{Handle: built.Artifact.Handle, Digests: []string{"../" + built.Artifact.Blobs[0].Digest}},
	} {
		request.StateDir, request.Directory = r.state, t.TempDir()
		if err := r.backend.Export(t.Context(), request); err == nil {
			t.Errorf("Export(%v) went well", request)
		}
	}
}

func TestRecover(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	built := r.must(stage(scratch(), copyFiles("/", "a")))
	// The job of a process that was killed.
	r.driver.on("dies", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		dead := filepath.Join(r.state, "copy")
		if err := os.CopyFS(dead, os.DirFS(filepath.Join(r.state, "jobs"))); err != nil {
			return nil, err
		}
		return nil, &driver.ExitError{Code: 1}
	})
	start := r.start(stage(scratch(), run("dies")))
	start.JobId = "dead"
	plugintest.Build(t, r.backend, start, nil)
	if err := os.CopyFS(filepath.Join(r.state, "jobs"), os.DirFS(filepath.Join(r.state, "copy"))); err != nil {
		t.Fatal(err)
	}
	if len(r.leftovers()) == 0 {
		t.Fatal("there is nothing to recover")
	}
	for range 2 {
		err := r.backend.Recover(t.Context(), &backendv1.RecoverRequest{StateDir: r.state, JobIds: []string{"dead", "unknown"}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if left := r.leftovers(); len(left) > 0 {
		t.Errorf("files of the job are left: %v", left)
	}
	if !r.has(built.Artifact.Handle) {
		t.Error("the artifact of another job is gone")
	}
}

// sweeper is a driver that keeps something of each layer.
type sweeper struct {
	fake
	swept []func(string) bool
}

func (s *sweeper) Sweep(_ context.Context, _ string, keep func(string) bool) error {
	s.swept = append(s.swept, keep)
	return nil
}

func TestTheDriverIsSwept(t *testing.T) {
	r := newRig(t)
	s := &sweeper{}
	r.backend.driver = s
	r.write(map[string]string{"a": "A", "b": "B"})
	one := r.must(stage(scratch(), copyFiles("/", "a")))
	two := r.must(stage(scratch(), copyFiles("/", "b")))
	if len(s.swept) > 0 {
		t.Error("swept with nothing to remove")
	}
	r.remove(one.Artifact.Handle)
	if len(s.swept) != 1 {
		t.Fatalf("swept %d times, want once", len(s.swept))
	}
	if keep := s.swept[0]; keep(one.Artifact.Blobs[0].Digest) || !keep(two.Artifact.Blobs[0].Digest) {
		t.Error("the wrong layer is kept")
	}
}
