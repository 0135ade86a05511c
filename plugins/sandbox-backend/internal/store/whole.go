// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// marks is the folder of marks of this boot. A machine that does not tell one
// boot from the next trusts no mark of another process.
func (s *Store) marks() string {
	if s.boot == "" {
		return filepath.Join(s.Temp(), "whole")
	}
	return filepath.Join(s.dir, "whole", s.boot)
}

// mark returns where the mark of a tar is. The digest is a good one.
func (s *Store) mark(digest string) string {
	return filepath.Join(s.marks(), digest[len("sha256:"):])
}

// setMark notes that a tar is what its digest says.
func (s *Store) setMark(digest string) error {
	err := os.WriteFile(s.mark(digest), nil, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(s.marks(), 0o700); err == nil {
			err = os.WriteFile(s.mark(digest), nil, 0o600)
		}
	}
	return err
}

// whole looks at the tar of a layer; nil when it is not there. One that was
// neither written nor read during this boot is compared with its digest, and
// removed when a power cut tore it.
func (s *Store) whole(digest string) (fs.FileInfo, error) {
	info, err := os.Stat(s.tar(digest))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading layer %s: %w", digest, err)
	case !info.Mode().IsRegular():
		return nil, nil
	}
	if _, err := os.Lstat(s.mark(digest)); err == nil {
		return info, nil
	}
	ok, err := s.check(digest)
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", digest, err)
	}
	if !ok {
		return nil, s.Remove(digest)
	}
	return info, nil
}

// check compares a tar with its digest and marks it when it is right. Of those
// who ask at once one reads it, in this process.
func (s *Store) check(digest string) (ok bool, err error) {
	defer s.lock(s.mark(digest))()
	if _, err := os.Lstat(s.mark(digest)); err == nil {
		return true, nil
	}
	f, err := os.Open(s.tar(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil {
		return false, err
	}
	if "sha256:"+hex.EncodeToString(h.Sum(nil)) != digest {
		// Another process may have made it anew meanwhile.
		_, err := os.Lstat(s.mark(digest))
		return err == nil, nil
	}
	return true, s.setMark(digest)
}

// forgetBoots removes the marks of other boots. Where those are of another
// machine that shares the folder, it reads its tars once more.
func (s *Store) forgetBoots() error {
	found, err := os.ReadDir(filepath.Join(s.dir, "whole"))
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range found {
		if e.Name() != s.boot {
			errs = append(errs, os.RemoveAll(filepath.Join(s.dir, "whole", e.Name())))
		}
	}
	return errors.Join(errs...)
}
