// SPDX-License-Identifier: Apache-2.0

//go:build unix

package images

import (
	"os"

	"github.com/gofrs/flock"
)

// guard locks a temporary file. The lock ends with the process.
func guard(path string) (letGo func(), err error) {
	lock := existing(path)
	return func() { _ = lock.Close() }, lock.Lock()
}

// removeDead removes a temporary file that nobody guards.
func removeDead(path string) {
	lock := existing(path)
	if ok, err := lock.TryLock(); err == nil && ok {
		_ = os.Remove(path)
		_ = lock.Close()
	}
}

// existing is a lock on a file that is there.
func existing(path string) *flock.Flock { return flock.New(path, flock.SetFlag(os.O_RDWR)) }

// syncDir makes a rename last through a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
