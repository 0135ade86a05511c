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
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Pruning says what Prune removes.
type Pruning struct {
	// All removes images that have a reference too.
	All bool
	// Before keeps what came into the store later. Zero keeps nothing for its
	// age.
	Before time.Time
	// DryRun only says what would be removed.
	DryRun bool
}

// Prune removes the images and manifest lists without a reference, the blobs
// that no image needs, and the records of packed layers that are gone. The
// caller has the store Alone.
func (s *Store) Prune(ctx context.Context, p Pruning) (*Removed, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	keep, err := s.kept(index, p)
	if err != nil {
		return nil, err
	}
	done := &Removed{}
	doomed := func(d v1.Descriptor) bool { return !keep[d.Digest] }
	done.note(index, doomed)
	if !p.DryRun && len(done.Images) > 0 {
		// The index first: what it lists is whole, whenever this ends.
		if err := s.updateIndex(ctx, func(index *v1.IndexManifest) error {
			index.Manifests = slices.DeleteFunc(index.Manifests, doomed)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	if err := s.removeBlobs(done, keep, p); err != nil {
		return done, err
	}
	return done, s.removePacked(keep, p)
}

// note notes the entries that go.
func (r *Removed) note(index *v1.IndexManifest, doomed func(v1.Descriptor) bool) {
	for _, d := range index.Manifests {
		if !doomed(d) {
			continue
		}
		if ref := entryRef(d); ref != "" {
			r.Untagged = append(r.Untagged, ref)
		}
		if digest := d.Digest.String(); !slices.Contains(r.Images, digest) {
			r.Images = append(r.Images, digest)
		}
	}
}

// kept returns the blobs of the images that stay.
func (s *Store) kept(index *v1.IndexManifest, p Pruning) (map[v1.Hash]bool, error) {
	var stay []v1.Descriptor
	for _, d := range index.Manifests {
		info, err := os.Stat(s.blobPath(d.Digest))
		if entryRef(d) != "" && !p.All || err == nil && p.young(info) {
			stay = append(stay, d)
		}
	}
	return s.needed(stay)
}

// young says whether a file came too late to be removed.
func (p Pruning) young(info fs.FileInfo) bool {
	return !p.Before.IsZero() && info.ModTime().After(p.Before)
}

// removeBlobs removes the blobs that no image needs.
func (s *Store) removeBlobs(done *Removed, keep map[v1.Hash]bool, p Pruning) error {
	return s.eachFile(blobsDir, func(path string, info fs.FileInfo) error {
		h := v1.Hash{Algorithm: "sha256", Hex: info.Name()}
		if keep[h] || p.young(info) {
			return nil
		}
		done.Bytes += info.Size()
		return p.remove(path)
	})
}

// removePacked removes the records of packed layers whose blob is gone.
func (s *Store) removePacked(keep map[v1.Hash]bool, p Pruning) error {
	return s.eachFile(packedDir, func(path string, info fs.FileInfo) error {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var record packed
		if json.Unmarshal(data, &record) == nil && keep[record.Digest] || p.young(info) {
			return nil
		}
		return p.remove(path)
	})
}

// remove removes a file unless this is only for show.
func (p Pruning) remove(path string) error {
	if p.DryRun {
		return nil
	}
	return os.Remove(path)
}

// eachFile calls a function for every file of a folder.
func (s *Store) eachFile(dir string, do func(path string, info fs.FileInfo) error) error {
	entries, err := os.ReadDir(s.path(dir))
	if err != nil {
		return fmt.Errorf("reading image store: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = do(filepath.Join(s.path(dir), e.Name()), info)
		}
		if err != nil {
			return fmt.Errorf("pruning image store: %w", err)
		}
	}
	return nil
}
