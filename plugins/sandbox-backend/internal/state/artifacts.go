// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Artifact is the record of a finished build.
type Artifact struct {
	// Blobs are the layers above the target's base image, the lowest first.
	Blobs []Made `json:"blobs"`
	// Others are the layers of the other stages, sorted by digest. They are
	// kept with the artifact, so that the next build finds its steps made.
	Others []string `json:"others,omitempty"`
}

// Handle is the name of the artifact: a digest of all its layers.
func (a Artifact) Handle() string {
	sum := sha256.New()
	for _, b := range a.Blobs {
		fmt.Fprintln(sum, b.Layer)
	}
	fmt.Fprintln(sum)
	for _, o := range a.Others {
		fmt.Fprintln(sum, o)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// layers lists all layers of the artifact.
func (a Artifact) layers() []string {
	all := slices.Clone(a.Others)
	for _, b := range a.Blobs {
		all = append(all, b.Layer)
	}
	return all
}

// Record keeps an artifact, whose layers are in the store. It is the only file
// that is flushed to the disk: a record that cannot be read stops all sweeps.
func (f *Folder) Record(a Artifact) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	path := filepath.Join(f.dir, "artifacts", a.Handle())
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	if err := create(path, text, true); err != nil {
		return fmt.Errorf("recording the artifact: %w", err)
	}
	return nil
}

// isHandle says whether a text can be a handle, and so a file name.
func isHandle(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size && s == strings.ToLower(s)
}

// artifact reads a record; ok is false when there is none.
func (f *Folder) artifact(handle string) (a Artifact, ok bool, err error) {
	if !isHandle(handle) {
		return Artifact{}, false, nil
	}
	a, err = readArtifact(filepath.Join(f.dir, "artifacts", handle))
	if errors.Is(err, fs.ErrNotExist) {
		return Artifact{}, false, nil
	}
	return a, err == nil, err
}

func readArtifact(path string) (a Artifact, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return Artifact{}, fmt.Errorf("reading the record of artifact %s: %w", filepath.Base(path), err)
	}
	return a, nil
}

// Has says whether every blob of an artifact can be exported.
func (f *Folder) Has(handle string) (bool, error) {
	a, ok, err := f.artifact(handle)
	if err != nil || !ok {
		return false, err
	}
	for _, b := range a.Blobs {
		if !f.Layers.Has(b.Layer) {
			return false, nil
		}
	}
	return true, nil
}

// Export writes blobs of an artifact into a folder, each named by the hex of
// its digest.
func (f *Folder) Export(handle string, digests []string, dir string) error {
	a, ok, err := f.artifact(handle)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("there is no artifact %q", handle)
	}
	for _, digest := range slices.Compact(slices.Sorted(slices.Values(digests))) {
		if !slices.ContainsFunc(a.Blobs, func(m Made) bool { return m.Layer == digest }) {
			return fmt.Errorf("artifact %s has no blob %s", handle, digest)
		}
		if err := f.Layers.Export(digest, dir); err != nil {
			return fmt.Errorf("exporting %s: %w", digest, err)
		}
	}
	return nil
}

// Forget forgets an artifact, if there is one. What only it needed is removed
// by the next sweep.
func (f *Folder) Forget(handle string) error {
	if !isHandle(handle) {
		return nil
	}
	err := os.Rename(filepath.Join(f.dir, "artifacts", handle), filepath.Join(f.dir, "removed", handle))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forgetting artifact %s: %w", handle, err)
	}
	return nil
}
