// SPDX-License-Identifier: Apache-2.0

//go:build unix

package procrun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// crash runs a build that kills its backend and returns what it said about the
// process it left.
func crash(t *testing.T, p *Process, job, word string) (pid int) {
	t.Helper()
	_, err := p.Build(t.Context(), startJob(job), &recorder{})
	var died *DiedError
	if !errors.As(err, &died) {
		t.Fatalf("got %v", err)
	}
	if _, err := fmt.Sscanf(died.Stderr, word+" <nil> %d", &pid); err != nil {
		t.Fatalf("stderr %q: %v", died.Stderr, err)
	}
	return pid
}

func TestDeathIsTold(t *testing.T) {
	_, err := started(t).Build(t.Context(), startJob("crash"), &recorder{})
	if err == nil || !strings.Contains(err.Error(), "exit status 9") {
		t.Errorf("got %v", err)
	}
}

// A backend that crashes does not kill its children, so the host does.
func TestChildrenOfACrashedBackendEnd(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), withPath(options(t, "serve")))
	if err != nil {
		t.Fatal(err)
	}
	pid := crash(t, p, "child", "child")
	p.Close()
	gone(t, pid)
}

// withPath lets the backend find programs.
func withPath(o Options) Options {
	o.Allow = append(o.Allow, "PATH")
	return o
}

// A process that got away from the group and holds the output open does not
// keep Close waiting.
func TestCloseDoesNotWaitForOrphans(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), withPath(options(t, "serve")))
	if err != nil {
		t.Fatal(err)
	}
	pid := crash(t, p, "orphan", "orphan")
	defer func() { _ = syscall.Kill(pid, syscall.SIGKILL) }()
	ends(t, p.Close)
}

// A backend that has stopped listening is killed.
func TestCloseKillsADeafBackend(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(p.child.ID())
	if err != nil {
		t.Fatal(err)
	}
	built := make(chan error, 1)
	go func() {
		_, err := p.Build(t.Context(), startJob("deaf"), &recorder{})
		built <- err
	}()
	time.Sleep(200 * time.Millisecond)
	ends(t, p.Close)
	gone(t, pid)
	if err := <-built; err == nil {
		t.Error("the build of a killed backend went well")
	}
}

// ends fails the test when f takes much longer than Close may.
func ends(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	if !within(done, time.Minute) {
		t.Fatal("Close still waits")
	}
}

// patient answers nothing before it must.
type patient struct{ recorder }

func (p *patient) Answer(ctx context.Context, _ *backendv1.Ask) *backendv1.Answer {
	<-ctx.Done()
	return &backendv1.Answer{Absent: true}
}

func TestQuestionsOfADeadBackendAreDropped(t *testing.T) {
	_, err := started(t).Build(t.Context(), startJob("ask and die"), &patient{})
	var died *DiedError
	if !errors.As(err, &died) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfCallsAreTheBackendsWords(t *testing.T) {
	_, err := started(t).Has(t.Context(), &backendv1.HasRequest{Handle: "h"})
	var call *CallError
	if !errors.As(err, &call) || call.Message != "the backend keeps no artifacts" {
		t.Errorf("got %v", err)
	}
}

func TestStartIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	o := options(t, "hang")
	o.StartTimeout = 10 * time.Minute
	if _, err := Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Whatever happens, no folder of a socket stays; and a long name of the
// temporary folder does not matter.
func TestSockets(t *testing.T) {
	short, err := os.MkdirTemp("/tmp", "z")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) })
	t.Setenv("TMPDIR", short)
	if err := os.WriteFile(short+"/x", []byte("not a program"), 0o700); err != nil {
		t.Fatal(err)
	}
	bad := Options{ID: "test", Dir: short, Files: []manifest.File{notAProgram()}}
	if _, err := Start(t.Context(), bad); err == nil {
		t.Fatal("a text was started")
	}
	_ = os.Remove(short + "/x")
	if _, err := Start(t.Context(), options(t, "die")); err == nil {
		t.Fatal("a dying backend was started")
	}
	p, err := Start(t.Context(), options(t, "serve"))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if left, err := os.ReadDir(short); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	long := short + "/" + strings.Repeat("l", 100)
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", long)
	if p, err = Start(t.Context(), options(t, "serve")); err != nil {
		t.Fatalf("with a long TMPDIR: %v", err)
	}
	p.Close()
}
