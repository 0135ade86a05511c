// SPDX-License-Identifier: Apache-2.0

// Package store keeps layers by their digest.
package store

import (
	"errors"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

var errSoon = errors.New("not written yet")

// Store is a folder of layers.
type Store struct{}

// Open opens the store in a folder, which is made when it does not exist.
func Open(dir string) (*Store, error) { return nil, errSoon }

// Put writes a layer. No entries: nil.
func (s *Store) Put(entries []layer.Entry) (*layer.Layer, error) { return nil, errSoon }

// Adopt moves a finished tar, on the same file system, into the store.
func (s *Store) Adopt(path string, l *layer.Layer) error { return errSoon }

// Source returns a layer of the store.
func (s *Store) Source(digest string) (src layer.Source, ok bool, err error) {
	return layer.Source{}, false, errSoon
}

// Temp is the folder for drafts, on the file system of the store.
func (s *Store) Temp() string { return "" }

// Recover removes the drafts of processes that died.
func (s *Store) Recover() error { return errSoon }

// Export puts the uncompressed tar of a layer into a folder, named by the hex
// of its digest.
func (s *Store) Export(digest, dir string) error { return errSoon }

// Has says whether the store holds a layer.
func (s *Store) Has(digest string) bool { return false }

// Remove removes a layer.
func (s *Store) Remove(digest string) error { return errSoon }
