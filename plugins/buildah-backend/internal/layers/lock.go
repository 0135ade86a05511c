// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// How the store is used.
const (
	shared = unix.LOCK_SH
	alone  = unix.LOCK_EX
)

// lock keeps others off the store: alone all, shared those that are alone.
//
// containers/storage unpacks a layer without its own lock, in a temporary folder
// with a lock file, and whoever reads the list of layers removes such folders
// that nobody has locked. Who comes between the making and the locking of that
// file removes it, so that the lock is one on nothing, and the next removes the
// folder while it is being filled.
func (s *Store) lock(how int) (unlock func(), err error) {
	f, err := os.OpenFile(s.lockFile, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the layer store: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking the layer store: %w", err), f.Close())
		}
	}
}

// unlocking is a reader whose end lets go of a lock.
type unlocking struct {
	io.ReadCloser
	unlock func()
}

// Close closes the reader and lets go.
func (u unlocking) Close() error {
	defer u.unlock()
	return u.ReadCloser.Close()
}
