// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"context"
	"time"

	"github.com/gofrs/flock"
)

// holdPoll is how often a lock is tried that somebody has to himself.
const holdPoll = 10 * time.Millisecond

// hold keeps a plugin from being collected until it is let go: file is locked,
// shared. Where it cannot be locked, as in a folder that is read only, nobody
// collects either. The error is that of ctx.
func hold(ctx context.Context, file string) (letGo func(), err error) {
	for file != "" {
		lock := flock.New(file, flock.SetPermissions(0o600))
		ok, err := lock.TryRLockContext(ctx, holdPoll)
		switch {
		case ctx.Err() != nil:
			_ = lock.Close()
			return nil, ctx.Err()
		case err != nil || !ok:
			return func() {}, nil
		case inPlace(lock):
			return func() { _ = lock.Close() }, nil
		}
		_ = lock.Close() // a collector has removed it meanwhile
	}
	return func() {}, nil
}
