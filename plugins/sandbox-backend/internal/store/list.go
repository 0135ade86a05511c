// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// List returns the digests of all layers whose tar or index is in the store,
// and when they came into it.
func (s *Store) List() (map[string]time.Time, error) {
	all := map[string]time.Time{}
	for _, sub := range []string{"tars", "index"} {
		found, err := os.ReadDir(filepath.Join(s.dir, sub))
		if err != nil {
			return nil, fmt.Errorf("listing the store: %w", err)
		}
		for _, e := range found {
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("listing the store: %w", err)
			}
			digest := "sha256:" + e.Name()
			if when := info.ModTime(); when.After(all[digest]) {
				all[digest] = when
			}
		}
	}
	return all, nil
}
