// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/plugintest"
)

func TestLayers(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A", "d/b": "B"})
	r.driver.on("nothing", func(context.Context, driver.Command) ([]layer.Entry, error) { return nil, nil })
	tests := []struct {
		name   string
		stages []*irv1.ResolvedStage
		want   string
	}{
		{"nothing", []*irv1.ResolvedStage{stage(scratch())}, ""},
		{"metadata", []*irv1.ResolvedStage{stage(scratch(), metadata(), metadata())}, ""},
		{"a copy", []*irv1.ResolvedStage{stage(scratch(), copyFiles("/x/", "a"))}, "[x/ x/a=A]"},
		{"a step that changes nothing", []*irv1.ResolvedStage{stage(scratch(), workdir("/w"), workdir("/w"), run("nothing"))}, "[w/]"},
		{"a command", []*irv1.ResolvedStage{stage(scratch(), run("made"))}, "[made=made]"},
		{"from a stage", []*irv1.ResolvedStage{
			stage(scratch(), copyFiles("/", "d"), run("made")),
			stage(scratch(), copyFrom(stageInput(0), "/out/", "made", "b")),
		}, "[out/ out/b=B out/made=made]"},
		{"on a stage", []*irv1.ResolvedStage{
			stage(scratch(), copyFiles("/", "a")),
			stage(stageInput(0), copyFrom(stageInput(0), "/again", "a")),
		}, "[a=A][again=A]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r.t = t
			built := r.must(tt.stages...)
			if got := contents(t, built); got != tt.want {
				t.Errorf("layers are %s\nwant %s", got, tt.want)
			}
			if left := r.leftovers(); len(left) > 0 {
				t.Errorf("files of the job are left: %v", left)
			}
		})
	}
}

// Each blob names the step that made it, also one that an earlier build ran.
func TestBlobsNameTheirSteps(t *testing.T) {
	r := newRig(t)
	r.write(map[string]string{"a": "A"})
	build := func() *plugintest.Built {
		return r.must(stage(scratch(), metadata(), copyFiles("/", "a")), stage(stageInput(0), run("made"), workdir("/")))
	}
	for range 2 {
		var got [][2]uint32
		for _, b := range build().Artifact.Blobs {
			got = append(got, [2]uint32{b.Ref.GetStage(), b.Ref.GetStep()})
		}
		if want := [][2]uint32{{0, 1}, {1, 0}}; !slices.Equal(got, want) {
			t.Errorf("blobs are of steps %v, want %v", got, want)
		}
	}
}

// meet returns commands that each wait until all of them run.
func meet(n int) func(context.Context, driver.Command) ([]layer.Entry, error) {
	var all sync.WaitGroup
	all.Add(n)
	return func(ctx context.Context, c driver.Command) ([]layer.Entry, error) {
		all.Done()
		met := make(chan struct{})
		go func() { all.Wait(); close(met) }()
		select {
		case <-met:
			return []layer.Entry{file(c.Exec.Argv[0], "met")}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Minute):
			return nil, errors.New("the other stage never ran")
		}
	}
}

func TestStagesRunAtOnce(t *testing.T) {
	r := newRig(t)
	both := meet(2)
	r.driver.on("left", both)
	r.driver.on("right", both)
	built := r.must(
		stage(scratch(), run("left")),
		stage(scratch(), run("right")),
		stage(scratch(), copyFrom(stageInput(0), "/", "left"), copyFrom(stageInput(1), "/", "right")),
	)
	if got, want := contents(t, built), "[left=met][right=met]"; got != want {
		t.Errorf("layers are %s, want %s", got, want)
	}
}

// A stage that starts before the one it copies from does what it can.
func TestAStageWaitsOnlyWhenItMust(t *testing.T) {
	r := newRig(t)
	both := meet(2)
	r.driver.on("left", both)
	r.driver.on("right", both)
	r.must(stage(scratch(), run("left")), stage(scratch(), run("right"), copyFrom(stageInput(0), "/", "left")))
}

func TestCommandsAtOnce(t *testing.T) {
	r := newRig(t)
	r.backend.commands = 1
	var mu sync.Mutex
	now := 0
	r.driver.on("alone", func(_ context.Context, c driver.Command) ([]layer.Entry, error) {
		mu.Lock()
		now++
		running := now
		mu.Unlock()
		time.Sleep(10 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		if running > 1 {
			return nil, errors.New("two commands run at once")
		}
		return []layer.Entry{file(c.Exec.Argv[1], "")}, nil
	})
	r.must(stage(scratch(), run("alone", "a")), stage(scratch(), run("alone", "b")), stage(scratch(), run("alone", "c")),
		stage(scratch(), copyFrom(stageInput(0), "/", "a"), copyFrom(stageInput(1), "/", "b"), copyFrom(stageInput(2), "/", "c")))
}

func TestFailures(t *testing.T) {
	source, machine := backendv1.FailureKind_FAILURE_KIND_SOURCE, backendv1.FailureKind_FAILURE_KIND_MACHINE
	tests := []struct {
		name    string
		step    *irv1.ResolvedStep
		kind    backendv1.FailureKind
		code    int
		message string
	}{
		{"exit code", run("exit"), source, 3, "the command failed: exit code 3"},
		{"not found", run("missing"), source, 127, "the command failed: no such program"},
		{"disk full", run("full"), machine, 0, "there is no space left"},
		{"source", copyFiles("/", "nope"), source, 0, `the source "nope" does not exist`},
		{"owner", transferStep(&irv1.Transfer{From: context0(), Sources: []string{"a"}, Destination: "/", Chown: "bob"}), source, 0, `user "bob" is not in the image`},
		{"user", runWith(&irv1.Exec{Argv: []string{"x"}, User: "bob"}), source, 0, `user "bob" is not in the image`},
		{"mount", runWith(&irv1.Exec{Argv: []string{"x"}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_BIND, From: context0(), Source: "nope", Target: "/m"},
		}}), source, 0, `the source "nope" of the mount on "/m" does not exist`},
		{"secret", runWith(&irv1.Exec{Argv: []string{"x"}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_SECRET, Id: "s", Target: "/s", Required: true},
		}}), source, 0, `the step needs the secret "s"`},
		{"agent", runWith(&irv1.Exec{Argv: []string{"x"}, Mounts: []*irv1.ResolvedMount{
			{Kind: irv1.MountKind_MOUNT_KIND_SSH, Id: "default", Target: "/s", Required: true},
		}}), source, 0, `the step needs the ssh-agent "default"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.write(map[string]string{"a": "A"})
			r.driver.on("exit", func(context.Context, driver.Command) ([]layer.Entry, error) { return nil, &driver.ExitError{Code: 3} })
			r.driver.on("missing", func(context.Context, driver.Command) ([]layer.Entry, error) {
				return nil, &driver.ExitError{Code: 127, Reason: "no such program"}
			})
			r.driver.on("full", func(context.Context, driver.Command) ([]layer.Entry, error) { return nil, full() })
			before := r.must(stage(scratch(), copyFiles("/", "a")))
			err := r.build(stage(scratch(), copyFiles("/", "a"), tt.step)).Err
			var f *backend.Failure
			if !errors.As(err, &f) {
				t.Fatalf("the build ended with %v", err)
			}
			if f.Kind != tt.kind || f.ExitCode != tt.code || f.Ref.GetStep() != 1 || !strings.Contains(f.Message, tt.message) {
				t.Errorf("failure is %v %d at step %d: %s", f.Kind, f.ExitCode, f.Ref.GetStep(), f.Message)
			}
			if has, err := r.backend.Has(t.Context(), &backendv1.HasRequest{StateDir: r.state, Handle: before.Artifact.Handle}); !has || err != nil {
				t.Errorf("the artifact before is gone: %v, %v", has, err)
			}
			if left := r.leftovers(); len(left) > 0 {
				t.Errorf("files of the job are left: %v", left)
			}
		})
	}
}

// full is the error of a disk without space.
func full() error { return &os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC} }

func TestTheFirstFailureEndsTheOtherStages(t *testing.T) {
	r := newRig(t)
	running := make(chan struct{})
	r.driver.on("waits", func(ctx context.Context, _ driver.Command) ([]layer.Entry, error) {
		close(running)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r.driver.on("fails", func(context.Context, driver.Command) ([]layer.Entry, error) {
		<-running
		return nil, &driver.ExitError{Code: 1}
	})
	err := r.build(stage(scratch(), run("waits")), stage(scratch(), run("fails")), stage(stageInput(0), copyFrom(stageInput(1), "/", "x"))).Err
	var f *backend.Failure
	if !errors.As(err, &f) || f.ExitCode != 1 || f.Ref.GetStage() != 1 {
		t.Errorf("the build ended with %v", err)
	}
}

func TestCancel(t *testing.T) {
	r := newRig(t)
	r.driver.on("waits", func(ctx context.Context, _ driver.Command) ([]layer.Entry, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	plugintest.Cancel(t, r.backend, r.start(stage(scratch(), run("waits")), stage(stageInput(0), run("never"))))
	if left := r.leftovers(); len(left) > 0 {
		t.Errorf("files of the job are left: %v", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.backend.Build(ctx, r.start(stage(scratch(), run("waits"))), &plugintest.Job{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a build that was cancelled before it began ended with %v", err)
	}
}
