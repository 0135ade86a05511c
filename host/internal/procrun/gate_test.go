// SPDX-License-Identifier: Apache-2.0

//go:build unix

package procrun

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/host/internal/starts"
)

// Crashes at the start and in a build count together, until one goes well.
func TestCrashesHoldStartsBack(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := 0
	with := func(mode string) Options {
		o := options(t, mode)
		o.Gate = starts.Gate{Dir: dir, Release: "r", Tell: func(p starts.Pause) { told = p.Crashes; cancel() }}
		return o
	}
	fails := func() {
		t.Helper()
		var e *StartError
		if _, err := Start(ctx, with("die")); !errors.As(err, &e) || e.Reason != Died {
			t.Fatalf("got %v", err)
		}
	}
	fails()
	fails()
	p, err := Start(ctx, with("serve"))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	fails()
	fails()
	if p, err = Start(ctx, with("serve")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Build(ctx, startJob("crash"), &recorder{}); err == nil {
		t.Fatal("it did not crash")
	}
	p.Close()
	if _, err := Start(ctx, with("serve")); !errors.Is(err, context.Canceled) || told != 3 {
		t.Errorf("got %v after %d crashes", err, told)
	}
}

// A release that runs cannot be collected. What cannot be locked runs too.
func TestReleaseIsHeld(t *testing.T) {
	o := options(t, "serve")
	o.InUse = filepath.Join(t.TempDir(), "release.lock")
	collectable := func() bool {
		lock := flock.New(o.InUse)
		defer lock.Close()
		ok, err := lock.TryLock()
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	var all []*Process
	for range 2 {
		p, err := Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	all[0].Close()
	if collectable() {
		t.Error("it could be collected while it ran")
	}
	all[1].Close()
	if !collectable() {
		t.Error("it is held for ever")
	}
	bad := o
	bad.Files = nil
	if _, err := Start(t.Context(), bad); err == nil || !collectable() {
		t.Errorf("a start that failed, %v, holds it", err)
	}
	o.InUse = filepath.Join("/dev/null", "release.lock")
	p, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
}
