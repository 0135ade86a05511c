// SPDX-License-Identifier: Apache-2.0

// Package toolchaintest tests backends of programming languages: from the files
// of a project to a module, or to what a user reads when there is none. It
// needs nothing but the SDK and the standard library.
//
// A Kit builds small projects with a backend. Each of its builds is checked by
// plugintest.Build for what the specification asks, and for what it leaves:
// the project is as it was, the job's folders are empty or gone, and a module
// is on the shelf only when the build went well. So a test says what is special
// about its language and no more.
//
// A backend that a Kit tests embeds shelf.Keeper.
package toolchaintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
	"github.com/zlayer/zlayer/sdk/toolchain"
	"github.com/zlayer/zlayer/sdk/toolchain/module"
)

// Backend is a backend that embeds shelf.Keeper.
type Backend interface {
	backend.Backend
	backend.Store
	backend.Recoverer
}

// Kit tests a backend. Its tests are not for t.Parallel: what a build leaves is
// told from what was there before.
type Kit struct {
	// Backend is what is tested.
	Backend Backend
	// Language is what it builds: "go".
	Language string
	// State is the state folder of the builds. Main makes one for all tests, so
	// that a standard library is compiled once.
	State string
}

// Main runs the tests with a new state folder and returns their exit code.
// TestMain calls it as the tests' own
//
//	func TestMain(m *testing.M) { os.Exit(kit.Main(m)) }
//
// It begins with toolchain.Guard. A backend with other roles than the guard's
// calls Guard and looks for them before it calls Main.
func (k *Kit) Main(m *testing.M) int {
	toolchain.Guard()
	dir, err := os.MkdirTemp("", "toolchaintest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	k.State = dir
	return m.Run()
}

// Start asks for a build of the project in a folder, for target preview1. An
// option is "name=value"; one that is there several times has several values.
// The test may change what it returns before it builds.
func (k *Kit) Start(t testing.TB, project string, options ...string) *backendv1.Start {
	wasm := &irv1.ResolvedWasm{Language: k.Language, Target: "preview1"}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		i := slices.IndexFunc(wasm.Options, func(o *irv1.ResolvedWasmOption) bool { return o.GetName() == name })
		if i < 0 {
			i = len(wasm.Options)
			wasm.Options = append(wasm.Options, &irv1.ResolvedWasmOption{Name: name})
		}
		wasm.Options[i].Values = append(wasm.Options[i].Values, value)
	}
	return &backendv1.Start{
		JobId:    strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()),
		Build:    &irv1.ResolvedBuild{Kind: &irv1.ResolvedBuild_Wasm{Wasm: wasm}},
		Contexts: []*backendv1.Context{{Path: project}},
		StateDir: k.State,
		TempDir:  t.TempDir(),
	}
}

// Built is a build that went well.
type Built struct {
	// Artifact is what the backend returned.
	Artifact *backendv1.Artifact
	// Module are the bytes of the module, as Export wrote them.
	Module []byte
	Heard
}

// Build builds, exports the module, and ends the test when that does not work
// or the module is no WASI preview1 command.
func (k *Kit) Build(t testing.TB, start *backendv1.Start) *Built {
	t.Helper()
	before := look(t, start)
	b := plugintest.Build(t, k.Backend, start, nil)
	heard := hear(b.Events)
	if b.Err != nil {
		t.Fatalf("%v\n%s", b.Err, heard.Output)
	}
	before.check(t, start, true)
	if len(b.Blobs) != 1 {
		t.Fatalf("the build made %d modules, want one", len(b.Blobs))
	}
	built := &Built{Artifact: b.Artifact, Module: b.Blobs[b.Artifact.GetBlobs()[0].GetDigest()], Heard: heard}
	m, err := module.Read(strings.NewReader(string(built.Module)))
	if err != nil {
		t.Fatalf("the module: %v", err)
	}
	if !m.IsCommand() {
		t.Fatalf("the module is no command; it exports %q", m.Exports)
	}
	return built
}

// Fail builds what cannot be built and returns why. It ends the test when the
// build goes well, or when its error is none that helps a user.
func (k *Kit) Fail(t testing.TB, start *backendv1.Start) *backend.Failure {
	t.Helper()
	before := look(t, start)
	b := plugintest.Build(t, k.Backend, start, nil)
	var f *backend.Failure
	if !errors.As(b.Err, &f) {
		t.Fatalf("Build = %v, want a *backend.Failure", b.Err)
	}
	before.check(t, start, false)
	return f
}

// poll is how often Cancel asks whether the build has come far enough.
const poll = 5 * time.Millisecond

// Cancel begins a build, cancels it when ready says that it has come far
// enough, and fails the test unless it ends as a cancelled one (SPEC B6). Where
// ready looks for processes (Running), the test looks again afterwards.
func (k *Kit) Cancel(t testing.TB, start *backendv1.Start, ready func() bool) {
	t.Helper()
	before := look(t, start)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := k.Backend.Build(ctx, start, &plugintest.Job{})
		ended <- err
	}()
	for !ready() {
		select {
		case err := <-ended:
			t.Fatalf("the build ended before it could be cancelled: %v", err)
		case <-time.After(poll):
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("[B6] Build = %v, want that it was cancelled", err)
	}
	before.check(t, start, false)
}

// Life follows an artifact: it is built, removed and gone (SPEC B14). Then it
// has a job die, in a state folder of its own, and recovers it.
func (k *Kit) Life(t testing.TB, start *backendv1.Start) {
	t.Helper()
	built := k.Build(t, start)
	plugintest.Forget(t, k.Backend, start.GetStateDir(), built.Artifact.GetHandle())
	state := t.TempDir()
	dead, module := filepath.Join(state, "jobs", "dead"), filepath.Join(state, "modules", "m")
	for _, dir := range []string{dead, module} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r := &backendv1.RecoverRequest{StateDir: state, JobIds: []string{"dead", "never-lived"}}
	for range 2 {
		if err := k.Backend.Recover(t.Context(), r); err != nil {
			t.Errorf("[B14] Recover: %v", err)
		}
	}
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("[B14] the dead job's folder is still there: %v", err)
	}
	r.JobIds = []string{"../modules"}
	if err := k.Backend.Recover(t.Context(), r); err == nil {
		t.Error("Recover takes a job id that leaves the folder of jobs")
	}
	if _, err := os.Stat(module); err != nil {
		t.Errorf("Recover has removed a module: %v", err)
	}
}
