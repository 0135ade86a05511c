// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Names inside the folder of a store. oci-layout, index.json and blobs are
// image-spec's; the others are ours and no reader of a layout minds them.
const (
	layoutFile = "oci-layout"
	indexFile  = "index.json"
	blobsDir   = "blobs/sha256"
	packedDir  = "packed"
	tempDir    = "tmp"
	lockFile   = "lock"
)

const (
	// layoutContent is the content of oci-layout.
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
	// lockPoll is how often a held lock is tried again.
	lockPoll = 5 * time.Millisecond
)

// Store is an image store. Its methods are safe for concurrent use, by several
// processes too.
type Store struct {
	dir    string
	client *registry.Client
	// made are the images that this Store made, by digest. While it is held they
	// are there, though others may take them off the list.
	made sync.Map
}

// Open opens the store in a folder and creates what is missing of it. Images
// are pulled and pushed with the client.
func Open(dir string, client *registry.Client) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening image store %q: %w", dir, err)
	}
	s := &Store{dir: abs, client: client}
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("opening image store: %w", err)
	}
	s.sweep()
	return s, nil
}

// Dir returns the folder: an OCI image layout with every image of the store in
// its index. Nobody but the store may write to it.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// create makes the folders and files of an empty store. Another process may do
// the same at the same time.
func (s *Store) create() error {
	for _, dir := range []string{blobsDir, packedDir, tempDir} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return err
		}
	}
	if err := s.checkVersion(); err != nil {
		return err
	}
	return s.createIndex()
}

func (s *Store) checkVersion() error {
	data, err := os.ReadFile(s.path(layoutFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s.writeFile(layoutFile, []byte(layoutContent))
	}
	if err != nil {
		return err
	}
	var layout struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(data, &layout); err != nil {
		return fmt.Errorf("%s is not an OCI image layout: %w", s.dir, err)
	}
	if layout.Version != "1.0.0" {
		return fmt.Errorf("%s is an OCI image layout of version %q, and only 1.0.0 is known: use a newer zlayer or another folder", s.dir, layout.Version)
	}
	return nil
}

// lock takes the store's lock, against other goroutines and processes.
func (s *Store) lock(ctx context.Context) (unlock func(), err error) {
	l := flock.New(s.path(lockFile), flock.SetPermissions(0o600))
	if _, err := l.TryLockContext(ctx, lockPoll); err != nil {
		return nil, fmt.Errorf("locking image store %s: %w", s.dir, err)
	}
	return func() { _ = l.Unlock() }, nil
}

// writeFile puts a whole file in place of another one, or nothing.
func (s *Store) writeFile(name string, data []byte) error {
	f, err := s.temp()
	if err != nil {
		return err
	}
	defer f.discard()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.rename(s.path(name))
}
