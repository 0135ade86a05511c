// SPDX-License-Identifier: Apache-2.0

// Package starts keeps the starts of backends in bounds, together for all
// processes that share a state folder: only so many come up at once, and one
// that crashes again and again has to wait.
package starts

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// Gate is what a release of a backend passes when it is started. The zero value
// lets all pass. What a Gate cannot keep in its folder it does without: no
// build fails because of it.
type Gate struct {
	// Dir is the folder of the gate, one for all releases. Empty: no limits.
	Dir string
	// Release names what is started: a digest.
	Release string
	// Tell is told of a pause before it begins. May be nil.
	Tell func(Pause)
}

// Pause is what a start has to wait because others went wrong.
type Pause struct {
	// Crashes is how often the release crashed in a row.
	Crashes int
	// For is how long the start waits.
	For time.Duration
}

// String says it to the user, without the name of the backend.
func (p Pause) String() string {
	return fmt.Sprintf("it crashed %d times in a row and is started again in %v", p.Crashes, p.For.Round(time.Second/10))
}

// Enter waits until the release may be started. The caller calls leave when the
// process can be called, or has ended. The error is that of ctx.
func (g Gate) Enter(ctx context.Context) (leave func(), err error) {
	if g.Dir == "" {
		return func() {}, nil
	}
	if p := g.pause(time.Now()); p.For > 0 {
		if g.Tell != nil {
			g.Tell(p)
		}
		if err := wait(ctx, p.For); err != nil {
			return nil, err
		}
	}
	return g.slot(ctx)
}

// poll is how often a slot is looked for when none is free.
const poll = 10 * time.Millisecond

// slots is how many processes may come up at once on this machine.
func slots() int { return max(4, 2*runtime.NumCPU()) }

// slot waits for a slot: a file whose lock ends with who holds it.
func (g Gate) slot(ctx context.Context) (leave func(), err error) {
	for {
		for i := range slots() {
			lock := flock.New(filepath.Join(g.Dir, fmt.Sprintf("slot-%d", i)), flock.SetPermissions(0o600))
			if ok, err := lock.TryLock(); ok || err != nil {
				return func() { _ = lock.Close() }, nil
			}
			_ = lock.Close()
		}
		if err := wait(ctx, poll); err != nil {
			return nil, err
		}
	}
}

// wait waits, at most until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
