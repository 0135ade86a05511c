// SPDX-License-Identifier: Apache-2.0

package starts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// entered passes the gate and says how long that took.
func entered(t *testing.T, g Gate) (leave func(), took time.Duration) {
	t.Helper()
	began := time.Now()
	leave, err := g.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return leave, time.Since(began)
}

func TestPausesGrowWithCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		g := Gate{Dir: t.TempDir(), Release: "r", Tell: func(p Pause) { told = append(told, p.String()) }}
		for crashes, want := range []time.Duration{0, 0, 0, 1, 2, 4, 8, 16, 30, 30} {
			leave, took := entered(t, g)
			leave()
			if took != want*time.Second {
				t.Errorf("after %d crashes it took %v, want %v s", crashes, took, int(want))
			}
			g.Crashed()
		}
		if len(told) != 7 || told[2] != "it crashed 5 times in a row and is started again in 4s" {
			t.Errorf("told %q", told)
		}
		if _, took := entered(t, Gate{Dir: g.Dir, Release: "another"}); took != 0 {
			t.Errorf("another release waited %v", took)
		}
		g.Worked()
		if _, took := entered(t, g); took != 0 {
			t.Errorf("after a success it took %v", took)
		}
	})
}

// Crashes that are far apart are not in a row, and a pause that is over is over.
func TestOldCrashesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Gate{Dir: t.TempDir(), Release: "r"}
		for range 5 {
			g.Crashed()
			time.Sleep(inRow + time.Second)
		}
		if _, took := entered(t, g); took != 0 {
			t.Errorf("it took %v", took)
		}
		for range 9 {
			g.Crashed()
		}
		time.Sleep(longest - time.Second)
		if _, took := entered(t, g); took != time.Second {
			t.Errorf("of a pause with one second left it took %v", took)
		}
	})
}

// A crash that a wrong clock noted in the future is not in a row with one now.
func TestCrashInTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Gate{Dir: t.TempDir(), Release: "r"}
		if err := os.WriteFile(g.file(), []byte(`{"crashes": 9, "last": "2999-01-01T00:00:00Z"}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, took := entered(t, g); took != longest {
			t.Errorf("it took %v, and no pause is longer than %v", took, longest)
		}
		g.Crashed()
		if _, took := entered(t, g); took != 0 {
			t.Errorf("after one crash it took %v", took)
		}
	})
}

// Whatever is in the file, a start waits no longer than it may.
func TestGarbage(t *testing.T) {
	for _, content := range []string{
		"", "{", "null", "[]", `{"crashes": -5, "last": "2999-01-01T00:00:00Z"}`,
		`{"crashes": 1e99}`, `{"crashes": 9223372036854775807, "last": "2999-01-01T00:00:00Z"}`, "\x00\xff",
	} {
		synctest.Test(t, func(t *testing.T) {
			g := Gate{Dir: t.TempDir(), Release: "r"}
			if err := os.WriteFile(g.file(), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, took := entered(t, g); took > longest {
				t.Errorf("with %q it took %v", content, took)
			}
			g.Crashed()
			if r := g.read(); r.Crashes < 1 {
				t.Errorf("with %q a crash was not counted: %+v", content, r)
			}
		})
	}
}

// Only so many have a slot; the next gets the first that is free, or leaves when
// it is told to.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		var leaves []func()
		for range slots() {
			leave, took := entered(t, Gate{Dir: dir})
			if took != 0 {
				t.Fatalf("a free slot took %v", took)
			}
			leaves = append(leaves, leave)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := (Gate{Dir: dir}).Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("one too many: %v", err)
		}
		time.AfterFunc(time.Second, leaves[2])
		if _, took := entered(t, Gate{Dir: dir}); took < time.Second || took > time.Second+2*poll {
			t.Errorf("it took %v", took)
		}
	})
}

// A pause takes no slot, and ends with the context.
func TestPauseIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Gate{Dir: t.TempDir(), Release: "r"}
		for range 9 {
			g.Crashed()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(g.Dir, "slot-*")); len(left) != 0 {
			t.Errorf("it had %v", left)
		}
	})
}

// Without a folder, or with one that cannot be used, nothing is limited.
func TestNoFolder(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "missing")} {
		g := Gate{Dir: dir, Release: "r"}
		for range 9 {
			g.Crashed()
		}
		for range 2 * slots() {
			if _, took := entered(t, g); took > time.Second {
				t.Errorf("with the folder %q it took %v", dir, took)
			}
		}
		g.Worked()
	}
}
