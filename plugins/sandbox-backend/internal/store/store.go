// SPDX-License-Identifier: Apache-2.0

// Package store keeps layers by their digest, in a folder:
//
//	tars/<hex>    the uncompressed tar of a layer
//	index/<hex>   what is in a layer, as layer.Encode wrote it
//	whole/<boot>/ an empty file for each tar that was written, or compared with
//	              its digest, during that boot of the machine
//	temp/<name>/  drafts of one process, beside temp/<name>.lock, which it holds
//
// A tar appears whole, by one rename, and never changes. Its index is written
// before it and made again from it when it is missing or damaged; the index of
// a layer of a base image is here too, without the tar. So processes may use
// one store at once, and one that dies leaves drafts and nothing else.
//
// Nothing is flushed to the disk: a build would wait for the disk at each step.
// After a power cut a file can therefore be short, or, rarely, hold other
// bytes. So a tar of an earlier boot is compared with its digest when it is
// first asked for, and every tar when it is exported; a damaged one is dropped
// and counts as absent. An index carries its own digest. Damage costs a build,
// and never becomes part of an image.
package store

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// Store is a folder of layers. It may be used by many goroutines at once.
type Store struct {
	dir   string
	boot  string
	draft draft
	// making has a lock for each file that is being made.
	making sync.Map
}

// Open opens the store in a folder, which is made when it does not exist. boot
// is the boot.ID of the machine. Close removes what is left in Temp.
func Open(dir, boot string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	for _, sub := range []string{"tars", "index", "temp", "whole"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
	}
	d, err := newDraft(filepath.Join(dir, "temp"))
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	return &Store{dir: dir, boot: boot, draft: d}, nil
}

// Close removes the drafts of this store.
func (s *Store) Close() error { return s.draft.close() }

// Temp is a folder for drafts of this process, on the file system of the
// store. Recover of another process removes it once this one is dead.
func (s *Store) Temp() string { return s.draft.dir }

// errDigest says that a digest is none of this store.
var errDigest = errors.New("not a sha256 digest")

// hexOf returns the hex part of a digest.
func hexOf(digest string) (string, error) {
	hex, ok := strings.CutPrefix(digest, "sha256:")
	if !ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "" {
		return "", fmt.Errorf("%q: %w", digest, errDigest)
	}
	return hex, nil
}

// tar returns where the tar of a digest is. The digest is a good one.
func (s *Store) tar(digest string) string {
	return filepath.Join(s.dir, "tars", digest[len("sha256:"):])
}

// index returns where the index of a digest is. The digest is a good one.
func (s *Store) index(digest string) string {
	return filepath.Join(s.dir, "index", digest[len("sha256:"):])
}

// Put writes a layer and returns it. No entries: nil. A layer with the same
// bytes is there once.
func (s *Store) Put(entries []layer.Entry) (*layer.Layer, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	path, l, err := s.write(entries)
	if err != nil {
		return nil, err
	}
	if err := s.Adopt(path, l); err != nil {
		_ = os.Remove(path) // it may not be there any more
		return nil, err
	}
	return l, nil
}

// write writes a layer to a draft.
func (s *Store) write(entries []layer.Entry) (path string, l *layer.Layer, err error) {
	f, err := os.CreateTemp(s.Temp(), "layer-")
	if err != nil {
		return "", nil, fmt.Errorf("writing a layer: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 256<<10)
	if l, err = layer.Write(w, entries); err != nil {
		return "", nil, err
	}
	return f.Name(), l, w.Flush()
}

// Adopt moves a finished tar into the store; it is on the same file system, in
// Temp for example, and l is what is in it. One that is there already is
// replaced by the same bytes, which heals a damaged one.
func (s *Store) Adopt(path string, l *layer.Layer) error {
	if _, err := hexOf(l.Digest); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err == nil && info.Size() != l.Size {
		err = fmt.Errorf("the draft has %d bytes, not %d", info.Size(), l.Size)
	}
	if err == nil {
		err = s.writeIndex(l)
	}
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = os.Rename(path, s.tar(l.Digest))
	}
	if err == nil { // not before: the mark is of the new tar
		err = s.setMark(l.Digest)
	}
	if err != nil {
		return fmt.Errorf("adding layer %s to the store: %w", l.Digest, err)
	}
	return nil
}

// Has reports whether the store has the tar of a layer, undamaged.
func (s *Store) Has(digest string) bool {
	if _, err := hexOf(digest); err != nil {
		return false
	}
	info, err := s.whole(digest)
	return err == nil && info != nil
}

// Source returns a layer of the store; ok is false when its tar is not there or
// is not what it should be.
func (s *Store) Source(digest string) (src layer.Source, ok bool, err error) {
	if _, err := hexOf(digest); err != nil {
		return layer.Source{}, false, err
	}
	info, err := s.whole(digest)
	if err != nil || info == nil {
		return layer.Source{}, false, err
	}
	src = layer.Source{Path: s.tar(digest)}
	src.Layer, err = s.Index(digest, src)
	var failed *fs.PathError // of the disk; all else is about the bytes
	switch {
	case errors.As(err, &failed):
		return layer.Source{}, false, err
	case err != nil || src.Size != info.Size():
		return layer.Source{}, false, s.Remove(digest)
	}
	return src, true, nil
}

// Remove removes a layer and its index. One that is not there is no error.
func (s *Store) Remove(digest string) error {
	if _, err := hexOf(digest); err != nil {
		return err
	}
	for _, path := range []string{s.mark(digest), s.tar(digest), s.index(digest)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing layer %s: %w", digest, err)
		}
	}
	return nil
}

// lock waits until no other goroutine makes a file; the result is to be called
// when it is made.
func (s *Store) lock(path string) (unlock func()) {
	value, _ := s.making.LoadOrStore(path, new(sync.Mutex))
	mu, _ := value.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock
}
