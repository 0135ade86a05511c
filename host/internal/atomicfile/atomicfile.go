// SPDX-License-Identifier: Apache-2.0

// Package atomicfile replaces small files all or nothing.
package atomicfile

import (
	"os"
	"path/filepath"
)

// Write replaces a file, mode 0600, so that readers see the old content or the
// new, and a crash or a full disk leaves the old. The folder must exist.
func Write(path string, data []byte) error { return WriteMode(path, data, 0o600) }

// WriteMode is Write with another mode.
func WriteMode(path string, data []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return err
	}
	// After a rename there is nothing left to remove.
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
