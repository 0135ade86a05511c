// SPDX-License-Identifier: Apache-2.0

package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// Export writes the uncompressed tar of a layer to a file of a folder, named by
// the hex of its digest. What is written is compared with the digest: a layer
// that was damaged on disk is removed from the store and from the folder, and
// the error wraps ErrDamaged: build again.
func (s *Store) Export(digest, dir string) error {
	name, err := hexOf(digest)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, name)
	found, err := copyFile(s.tar(digest), to)
	if err == nil && found != name {
		err = errors.Join(fmt.Errorf("it is sha256:%s: %w; it was dropped, build again", found, ErrDamaged), s.Remove(digest))
	}
	if err != nil {
		_ = os.Remove(to) // it may not be there
		return fmt.Errorf("exporting layer %s: %w", digest, err)
	}
	return nil
}

// copyFile copies a file to a new one and returns the hex of its SHA-256.
func copyFile(from, to string) (sum string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return writeFile(to, in)
}

// writeFile writes a new file and returns the hex of its SHA-256.
func writeFile(to string, r io.Reader) (sum string, err error) {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.CopyBuffer(io.MultiWriter(h, out), struct{ io.Reader }{r}, make([]byte, 256<<10))
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}

// Expand returns the file of the uncompressed tar of a compressed layer, which
// it adds to the store when it is not there.
func (s *Store) Expand(src layer.Source) (path string, err error) {
	path = s.tar(src.Digest)
	defer s.lock(path)()
	if info, err := s.whole(src.Digest); err != nil || info != nil {
		return path, err
	}
	r, err := src.Stream()
	if err != nil {
		return "", fmt.Errorf("reading layer %s: %w", src.Digest, err)
	}
	defer r.Close()
	dir, err := os.MkdirTemp(s.Temp(), "expand-")
	if err != nil {
		return "", fmt.Errorf("reading layer %s: %w", src.Digest, err)
	}
	defer os.RemoveAll(dir)
	draft := filepath.Join(dir, "tar")
	sum, err := writeFile(draft, r)
	if err == nil && "sha256:"+sum != src.Digest {
		err = fmt.Errorf("it is sha256:%s: %w", sum, ErrDamaged)
	}
	if err != nil {
		return "", fmt.Errorf("reading layer %s: %w", src.Digest, err)
	}
	return path, s.Adopt(draft, src.Layer)
}
