// SPDX-License-Identifier: Apache-2.0

package keys

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// artifactsDir is the folder, in that of the records, of what backends keep.
const artifactsDir = "artifacts"

// Artifact is something that a backend keeps until it is told to remove it.
type Artifact struct {
	// Backend is the id of the backend.
	Backend string `json:"backend"`
	// Handle is its name for it.
	Handle string `json:"handle"`
}

// Note remembers an artifact, whether or not a record names it: a record that is
// replaced must not take the only trace of its artifact with it.
func (s Store) Note(a Artifact) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("noting an artifact: %w", err)
	}
	dir := filepath.Join(s.dir, artifactsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("noting an artifact: %w", err)
	}
	if err := atomicfile.Write(s.artifactPath(a), data); err != nil {
		return fmt.Errorf("noting an artifact: %w", err)
	}
	return nil
}

// Artifacts returns the artifacts, with the time when each was last noted.
func (s Store) Artifacts() (map[Artifact]time.Time, error) {
	all := map[Artifact]time.Time{}
	err := eachFile(filepath.Join(s.dir, artifactsDir), func(path string, info fs.FileInfo) {
		data, err := os.ReadFile(path)
		var a Artifact
		if err == nil && json.Unmarshal(data, &a) == nil && a.Handle != "" {
			all[a] = info.ModTime()
		}
	})
	return all, err
}

// Forget forgets an artifact.
func (s Store) Forget(a Artifact) error {
	if err := os.Remove(s.artifactPath(a)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting an artifact: %w", err)
	}
	return nil
}

func (s Store) artifactPath(a Artifact) string {
	return filepath.Join(s.dir, artifactsDir, Key(a.Backend, a.Handle)+".json")
}

// Records returns every record, by key; nil for one that cannot be read.
func (s Store) Records() (map[string]*Record, error) {
	all := map[string]*Record{}
	err := eachFile(s.dir, func(path string, _ fs.FileInfo) {
		key := strings.TrimSuffix(filepath.Base(path), ".json")
		all[key] = s.Get(key)
	})
	return all, err
}

// Remove removes a record.
func (s Store) Remove(key string) error {
	if err := os.Remove(s.path(key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing build key: %w", err)
	}
	return nil
}

// eachFile calls a function for every file of ours in a folder, which need not
// exist.
func eachFile(dir string, do func(path string, info fs.FileInfo)) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading build keys: %w", err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && filepath.Ext(e.Name()) == ".json" {
			do(filepath.Join(dir, e.Name()), info)
		}
	}
	return nil
}
