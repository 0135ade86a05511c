// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// tempFile is a file that is not there until rename. It is guarded until then:
// a temporary file that nobody guards is of a dead process.
type tempFile struct {
	*os.File
	letGo func() // of the guard
	done  bool
}

// temp makes a temporary file.
func (s *Store) temp() (*tempFile, error) {
	for {
		f, err := os.CreateTemp(s.path(tempDir), "w-*")
		if err != nil {
			return nil, fmt.Errorf("writing to image store: %w", err)
		}
		t := &tempFile{File: f}
		// A sweep may have come between, and removed the file.
		if t.letGo, err = guard(f.Name()); err == nil && t.inPlace() {
			return t, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.discard()
			return nil, fmt.Errorf("locking a file in the image store: %w", err)
		}
		t.discard()
	}
}

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
	t.letGo()
	return syncDir(filepath.Dir(path))
}

// discard removes the file unless it was renamed.
func (t *tempFile) discard() {
	if !t.done {
		_ = t.Close()
		_ = os.Remove(t.Name())
		t.letGo()
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
		removeDead(s.path(tempDir, e.Name()))
	}
}
