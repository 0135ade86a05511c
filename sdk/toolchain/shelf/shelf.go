// SPDX-License-Identifier: Apache-2.0

// Package shelf keeps the modules a backend made, by digest.
//
// A module is put in place by one rename, so that it is there whole or not at
// all whatever happens, and any number of processes may share a shelf.
package shelf

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Shelf is a folder of modules, each named by the hex of its SHA-256. The
// folder is made by the first Put.
type Shelf struct {
	// Dir is the folder.
	Dir string
}

// Put moves the file at path onto the shelf and returns its digest,
// "sha256:…", and its size in bytes. The file must be on the shelf's file
// system; it is gone afterwards.
func (s Shelf) Put(path string) (digest string, size int64, err error) {
	sum, size, err := seal(path)
	if err != nil {
		return "", 0, fmt.Errorf("keeping module %q: %w", path, err)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", 0, fmt.Errorf("keeping module: %w", err)
	}
	if err := os.Rename(path, filepath.Join(s.Dir, sum)); err != nil {
		return "", 0, fmt.Errorf("keeping module: %w", err)
	}
	return "sha256:" + sum, size, nil
}

// Has says whether the module is there.
func (s Shelf) Has(digest string) (bool, error) {
	path, err := s.path(digest)
	if err != nil {
		return false, err
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("looking for module %s: %w", digest, err)
	}
}

// Export copies the module into the folder, named by the hex of its digest. A
// module whose bytes have changed on disk is an error, and is dropped so that
// the next build makes it again.
func (s Shelf) Export(digest, dir string) error {
	path, err := s.path(digest)
	if err != nil {
		return err
	}
	target := filepath.Join(dir, filepath.Base(path))
	sum, err := copyFile(target, path)
	if err != nil {
		return fmt.Errorf("exporting module %s: %w", digest, err)
	}
	if sum != filepath.Base(path) {
		err := errors.Join(removeFile(target), removeFile(path))
		return errors.Join(fmt.Errorf("exporting module %s: its bytes have changed on disk; build it again", digest), err)
	}
	return nil
}

// Remove forgets the module. One that is not there is not an error.
func (s Shelf) Remove(digest string) error {
	path, err := s.path(digest)
	if err != nil {
		return err
	}
	if err := removeFile(path); err != nil {
		return fmt.Errorf("removing module %s: %w", digest, err)
	}
	return nil
}

// path is where a module is. It lets nothing but a digest become a file name.
func (s Shelf) path(digest string) (string, error) {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size || strings.ToLower(sum) != sum {
		return "", fmt.Errorf("%q is not a sha256 digest", digest)
	}
	return filepath.Join(s.Dir, sum), nil
}

// seal returns a file's SHA-256 in hex and its size, and sees to it that the
// bytes are on disk before the file gets its final name.
func seal(path string) (sum string, size int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, f)
	err = errors.Join(err, f.Sync(), f.Chmod(0o444), f.Close())
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// copyFile copies a file to a new one and returns its SHA-256 in hex. After an
// error there is no new file.
func copyFile(target, source string) (sum string, err error) {
	in, err := os.Open(source)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	if err := errors.Join(err, out.Close()); err != nil {
		return "", errors.Join(err, os.Remove(target))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// removeFile removes a file that need not exist.
func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
