// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// lockSuffix is what the lock of a folder of drafts has after its name.
const lockSuffix = ".lock"

// draft is the folder of one process for drafts, with the lock that says that
// the process lives.
type draft struct {
	dir  string
	lock *flock.Flock
}

// newDraft makes a folder. The lock is held before the folder exists, so that
// no folder in use is ever without one.
func newDraft(temp string) (draft, error) {
	for {
		f, err := os.CreateTemp(temp, "*"+lockSuffix)
		if err != nil {
			return draft{}, err
		}
		if err := f.Close(); err != nil {
			return draft{}, err
		}
		d := draft{dir: strings.TrimSuffix(f.Name(), lockSuffix), lock: flock.New(f.Name())}
		locked, err := d.lock.TryLock()
		if err != nil {
			return draft{}, err
		}
		// Recover of another process may have been quicker.
		if _, err := os.Stat(f.Name()); !locked || err != nil {
			_ = d.lock.Close()
			continue
		}
		return d, os.Mkdir(d.dir, 0o700)
	}
}

// close removes the folder and its lock.
func (d draft) close() error {
	if err := os.RemoveAll(d.dir); err != nil {
		// The lock stays, so that Recover comes by again.
		return errors.Join(err, d.lock.Close())
	}
	err := os.Remove(d.lock.Path())
	if errors.Is(err, fs.ErrNotExist) { // swept by two at once
		err = nil
	}
	return errors.Join(err, d.lock.Close())
}

// Recover removes the drafts of processes that died, and what was noted during
// earlier boots. What they ran is to be
// cleaned up before: files of other users cannot be removed here.
func (s *Store) Recover() error {
	temp := filepath.Join(s.dir, "temp")
	found, err := os.ReadDir(temp)
	if err != nil {
		return fmt.Errorf("removing drafts: %w", err)
	}
	var errs []error
	for _, e := range found {
		path := filepath.Join(temp, e.Name())
		name, ok := strings.CutSuffix(path, lockSuffix)
		if ok && name != s.draft.dir {
			errs = append(errs, sweep(draft{name, flock.New(path)}))
		}
	}
	return errors.Join(append(errs, s.forgetBoots())...)
}

// sweep removes a folder of drafts whose process is dead.
func sweep(d draft) error {
	locked, err := d.lock.TryLock()
	if err != nil || !locked {
		return err
	}
	return d.close()
}
