// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// tempFile is a file that is not there until rename. It is locked until then:
// a temporary file without a lock is of a dead process.
type tempFile struct {
	*os.File
	lock *flock.Flock
	done bool
}

// temp makes a temporary file.
func (s *Store) temp() (*tempFile, error) {
	for {
		f, err := os.CreateTemp(s.path(tempDir), "w-*")
		if err != nil {
			return nil, fmt.Errorf("writing to image store: %w", err)
		}
		t := &tempFile{File: f, lock: existing(f.Name())}
		// A sweep may have come between, and removed the file.
		if err := t.lock.Lock(); err == nil && t.inPlace() {
			return t, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.discard()
			return nil, fmt.Errorf("locking a file in the image store: %w", err)
		}
		t.discard()
	}
}

// existing is a lock on a file that is there.
func existing(path string) *flock.Flock { return flock.New(path, flock.SetFlag(os.O_RDWR)) }

// inPlace says whether the name still leads to the file.
func (t *tempFile) inPlace() bool {
	own, err := t.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(t.Name())
	return err == nil && os.SameFile(own, there)
}

// rename syncs the file and puts it in its place.
func (t *tempFile) rename(path string) error {
	if err := t.Sync(); err != nil {
		return err
	}
	if err := t.Close(); err != nil {
		return err
	}
	if err := os.Rename(t.Name(), path); err != nil {
		return err
	}
	t.done = true
	_ = t.lock.Close()
	return syncDir(filepath.Dir(path))
}

// discard removes the file unless it was renamed.
func (t *tempFile) discard() {
	if !t.done {
		_ = t.Close()
		_ = os.Remove(t.Name())
		_ = t.lock.Close()
	}
}

// sweep removes temporary files that a crash left. It is a courtesy: what
// cannot be removed now can be later.
func (s *Store) sweep() {
	entries, err := os.ReadDir(s.path(tempDir))
	if err != nil {
		return
	}
	for _, e := range entries {
		lock := existing(s.path(tempDir, e.Name()))
		if ok, err := lock.TryLock(); err == nil && ok {
			_ = os.Remove(lock.Path())
			_ = lock.Close()
		}
	}
}
