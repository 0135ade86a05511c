// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"time"

	"github.com/gofrs/flock"
)

// usersFile is locked, shared, by everybody who reads or writes blobs that the
// index may not name yet or not name any more, and alone by who removes blobs.
const usersFile = "users"

// aloneWait is how long who removes blobs waits for the others.
const aloneWait = 5 * time.Second

// Hold keeps every blob of the store where it is until release is called: no
// process removes one meanwhile. A build holds the store from the first image
// it resolves to the end. It waits while blobs are being removed.
func (s *Store) Hold(ctx context.Context) (release func(), err error) {
	l := s.users()
	if _, err := l.TryRLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("locking image store %s: %w", s.dir, err)
	}
	return func() { _ = l.Close() }, nil
}

func (s *Store) users() *flock.Flock {
	return flock.New(s.path(usersFile), flock.SetPermissions(0o600))
}

// Alone waits a while until nobody holds the store, and keeps it so until
// release is called. While others keep using it, the error is an *Error of
// KindBusy.
func (s *Store) Alone(ctx context.Context) (release func(), err error) {
	short, cancel := context.WithTimeout(ctx, aloneWait)
	defer cancel()
	l := s.users()
	switch _, err := l.TryLockContext(short, lockPoll); {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case short.Err() != nil:
		return nil, &Error{
			Kind: KindBusy, Message: "another zlayer is building, pulling or pushing with this image store", Help: "run it again when that has ended",
		}
	case err != nil:
		return nil, fmt.Errorf("locking image store %s: %w", s.dir, err)
	}
	return func() { _ = l.Close() }, nil
}
