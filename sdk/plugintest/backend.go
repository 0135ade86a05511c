// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Built is how a build ended.
type Built struct {
	// Artifact is the result. Nil when the build failed.
	Artifact *backendv1.Artifact
	// Err is the backend's error. Nil when the build went well.
	Err error
	// Events are what it reported.
	Events []*backendv1.BuildEvent
	// Blobs are the contents of the artifact, by digest. Empty when the backend
	// is no backend.Store.
	Blobs map[string][]byte
}

// Build runs one build, exports its blobs and checks what the specification
// asks of events, artifact and failure. It fails the test when something is
// wrong; a build that fails as it should is not. A nil job stands for a new
// one. Folders that start leaves empty are made for the test.
func Build(t testing.TB, b backend.Backend, start *backendv1.Start, job *Job) *Built {
	t.Helper()
	if job == nil {
		job = &Job{}
	}
	start = withFolders(t, start)
	built := &Built{}
	built.Artifact, built.Err = b.Build(t.Context(), start, job)
	built.Events = job.Events()
	var p problems
	p.events(start, built)
	if built.Err != nil {
		p.failure(start, built)
	} else {
		p.artifact(start, built.Artifact)
	}
	report(t, p)
	if store, ok := b.(backend.Store); ok && built.Artifact != nil && len(p) == 0 {
		built.Blobs = export(t, store, start, built.Artifact)
	}
	return built
}

// Cancel begins a build, cancels it when its first event is there, and fails
// the test unless it ends with an error within five seconds (SPEC B6).
func Cancel(t testing.TB, b backend.Backend, start *backendv1.Start) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun := make(chan struct{}, 1)
	job := &Job{OnEvent: func(*backendv1.BuildEvent) {
		select {
		case begun <- struct{}{}:
		default:
		}
	}}
	ended := make(chan error, 1)
	start = withFolders(t, start)
	go func() {
		_, err := b.Build(ctx, start, job)
		ended <- err
	}()
	select {
	case <-begun:
	case err := <-ended:
		t.Errorf("[B5] the build reported nothing, and ended with %v", err)
		return
	}
	cancel()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("[B6] the cancelled build went well; use a build that takes longer")
		}
	case <-time.After(5 * time.Second):
		t.Error("[B6] the build goes on 5 seconds after it was cancelled")
	}
}

// withFolders fills in the folders of a build.
func withFolders(t testing.TB, start *backendv1.Start) *backendv1.Start {
	start = start.CloneVT()
	for _, dir := range []*string{&start.StateDir, &start.TempDir} {
		if *dir == "" {
			*dir = t.TempDir()
		}
	}
	if start.JobId == "" {
		start.JobId = "plugintest"
	}
	return start
}

// step is the state of a step.
type step int

const (
	begun step = iota + 1
	finished
)

// events checks the order of what was reported (SPEC B5).
func (p *problems) events(start *backendv1.Start, built *Built) {
	steps := map[[2]uint32]step{}
	last := map[uint32]int64{}
	for i, e := range built.Events {
		ref, ok := refOf(e)
		if !ok {
			p.input(i, e)
			continue
		}
		p.check(known(start, ref), "[B5] event %d is about step %d of stage %d, which is not there", i, ref.GetStep(), ref.GetStage())
		key := [2]uint32{ref.GetStage(), ref.GetStep()}
		switch e.GetEvent().(type) {
		case *backendv1.BuildEvent_StepStarted:
			p.check(steps[key] == 0, "[B5] event %d starts a step a second time", i)
			before, any := last[ref.GetStage()]
			p.check(!any || before < int64(ref.GetStep()), "[B5] event %d starts a step out of order", i)
			last[ref.GetStage()] = int64(ref.GetStep())
			steps[key] = begun
		case *backendv1.BuildEvent_StepFinished:
			p.check(steps[key] == begun, "[B5] event %d finishes a step that does not run", i)
			steps[key] = finished
		default:
			p.check(steps[key] != 0, "[B5] event %d is about a step that has not started", i)
		}
	}
	for key, s := range steps {
		p.check(built.Err != nil || s == finished, "[B5] step %d of stage %d was not finished", key[1], key[0])
	}
}

// input checks an event without a step.
func (p *problems) input(i int, e *backendv1.BuildEvent) {
	if r := e.GetInputRead(); r != nil {
		p.check(slices.Contains([]string{"url", "git", "tool", "env"}, r.GetKind()), "[B15] event %d reads an input of kind %q", i, r.GetKind())
		p.check(r.GetName() != "", "[B15] event %d reads an input without a name", i)
	}
}

// refOf returns the step that an event is about; ok is false when there is none.
func refOf(e *backendv1.BuildEvent) (ref *backendv1.StepRef, ok bool) {
	switch e := e.GetEvent().(type) {
	case *backendv1.BuildEvent_StepStarted:
		return e.StepStarted.GetRef(), true
	case *backendv1.BuildEvent_StepFinished:
		return e.StepFinished.GetRef(), true
	case *backendv1.BuildEvent_Output:
		return e.Output.GetRef(), true
	case *backendv1.BuildEvent_Progress:
		return e.Progress.GetRef(), true
	case *backendv1.BuildEvent_Warning:
		return e.Warning.GetRef(), e.Warning.GetRef() != nil
	}
	return nil, false
}

// known says whether the build has the step. The steps of a wasm build are the
// backend's own.
func known(start *backendv1.Start, ref *backendv1.StepRef) bool {
	if start.GetBuild().GetWasm() != nil {
		return ref.GetStage() == 0
	}
	stages := start.GetBuild().GetContainer().GetStages()
	return int(ref.GetStage()) < len(stages) && int(ref.GetStep()) < len(stages[ref.GetStage()].GetSteps())
}

// failure checks an error (SPEC B16).
func (p *problems) failure(start *backendv1.Start, built *Built) {
	p.check(built.Artifact == nil, "[B4] the build returned both an artifact and an error")
	var f *backend.Failure
	if !errors.As(built.Err, &f) {
		return
	}
	p.check(f.Kind != 0, "the failure %q has no kind", f.Message)
	p.check(f.Message != "", "the failure has no message")
	p.check(f.Ref == nil || known(start, f.Ref), "[B16] the failure %q is about a step that is not there", f.Message)
	p.check(f.ExitCode == 0 || f.Ref != nil, "[B16] a command failed, but the failure %q names no step", f.Message)
}

var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// artifact checks a result (SPEC B4, B11).
func (p *problems) artifact(start *backendv1.Start, a *backendv1.Artifact) {
	if a == nil {
		p.addf("[B4] the build returned neither an artifact nor an error")
		return
	}
	p.check(a.GetHandle() != "", "[B11] the artifact has no handle")
	for i, blob := range a.GetBlobs() {
		p.check(digest.MatchString(blob.GetDigest()), "[B11] blobs[%d] has the digest %q", i, blob.GetDigest())
		p.check(blob.GetSize() > 0, "[B11] blobs[%d] has no size", i)
		p.check(blob.GetRef() == nil || known(start, blob.GetRef()), "[B11] blobs[%d] is of a step that is not there", i)
	}
	if start.GetBuild().GetWasm() != nil {
		p.check(len(a.GetBlobs()) == 1, "[B11] a wasm build has %d blobs and must have one, the module", len(a.GetBlobs()))
	}
}

// export gets the blobs of an artifact and checks what Store promises (SPEC
// B12, B14).
func export(t testing.TB, s backend.Store, start *backendv1.Start, a *backendv1.Artifact) map[string][]byte {
	t.Helper()
	present, err := s.Has(t.Context(), &backendv1.HasRequest{StateDir: start.GetStateDir(), Handle: a.GetHandle()})
	if err != nil || !present {
		t.Errorf("Has(%q) is %v, %v right after the build", a.GetHandle(), present, err)
		return nil
	}
	dir := t.TempDir()
	request := &backendv1.ExportRequest{StateDir: start.GetStateDir(), Handle: a.GetHandle(), Directory: dir}
	for _, b := range a.GetBlobs() {
		request.Digests = append(request.Digests, b.GetDigest())
	}
	if err := s.Export(t.Context(), request); err != nil {
		t.Errorf("[B12] Export: %v", err)
		return nil
	}
	blobs := map[string][]byte{}
	for _, b := range a.GetBlobs() {
		if content, ok := blob(t, dir, b); ok {
			blobs[b.GetDigest()] = content
		}
	}
	return blobs
}

// blob reads one exported blob.
func blob(t testing.TB, dir string, b *backendv1.Blob) (content []byte, ok bool) {
	t.Helper()
	name := strings.TrimPrefix(b.GetDigest(), "sha256:")
	if _, err := hex.DecodeString(name); err != nil {
		return nil, false
	}
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Errorf("[B12] Export: %v", err)
		return nil, false
	}
	got, err := manifest.Digest(strings.NewReader(string(content)))
	if err != nil || got != b.GetDigest() || int64(len(content)) != b.GetSize() {
		t.Errorf("[B12] blob %s has %d bytes and digest %s, and the artifact says %d", b.GetDigest(), len(content), got, b.GetSize())
	}
	return content, true
}

// Forget removes an artifact twice, and fails the test unless it is gone then
// (SPEC B14).
func Forget(t testing.TB, s backend.Store, stateDir, handle string) {
	t.Helper()
	for range 2 {
		if err := s.Remove(t.Context(), &backendv1.RemoveRequest{StateDir: stateDir, Handles: []string{handle}}); err != nil {
			t.Errorf("[B14] Remove(%q): %v", handle, err)
		}
	}
	present, err := s.Has(t.Context(), &backendv1.HasRequest{StateDir: stateDir, Handle: handle})
	if err != nil || present {
		t.Errorf("Has(%q) is %v, %v after it was removed", handle, present, err)
	}
}
