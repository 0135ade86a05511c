// SPDX-License-Identifier: Apache-2.0

package images

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// index.json is the only list of images and of references. One entry is one
// image under one reference; an image without a reference has one entry
// without annotation.
const (
	// refAnnotation is a normalised reference (image-spec, annotations.md).
	refAnnotation = "org.opencontainers.image.ref.name"
	// originAnnotation is the digest the registry gave for the reference when
	// the image was pulled: of an index, or of the image itself. A reference
	// that was tagged here has none.
	originAnnotation = "dev.zlayer.origin"
)

func entryRef(d v1.Descriptor) string    { return d.Annotations[refAnnotation] }
func entryOrigin(d v1.Descriptor) string { return d.Annotations[originAnnotation] }

func emptyIndex() *v1.IndexManifest {
	return &v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{}}
}

// createIndex makes the index of a new store. It holds the lock, so that it
// cannot undo what another process adds.
func (s *Store) createIndex() error {
	if _, err := os.Stat(s.path(indexFile)); err == nil {
		return nil
	}
	return s.updateIndex(context.Background(), func(*v1.IndexManifest) error { return nil })
}

// index reads the index. No lock is needed: it is replaced as a whole.
func (s *Store) index() (*v1.IndexManifest, error) {
	data, err := os.ReadFile(s.path(indexFile))
	if errors.Is(err, fs.ErrNotExist) {
		return emptyIndex(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading image store: %w", err)
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("reading image store: %s is damaged; remove %s to start with an empty store: %w", s.path(indexFile), s.dir, err)
	}
	return &index, nil
}

// updateIndex changes the index under the lock. When change fails, or writing
// does, the index stays as it was.
func (s *Store) updateIndex(ctx context.Context, change func(*v1.IndexManifest) error) error {
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	index, err := s.index()
	if err != nil {
		return err
	}
	if err := change(index); err != nil {
		return err
	}
	tidy(index)
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	if err := s.writeFile(indexFile, data); err != nil {
		return fmt.Errorf("writing index of image store: %w", err)
	}
	return nil
}

// tidy drops entries without reference of images that have one, and sorts, so
// that the same images make the same file.
func tidy(index *v1.IndexManifest) {
	named := map[v1.Hash]bool{}
	for _, d := range index.Manifests {
		named[d.Digest] = named[d.Digest] || entryRef(d) != ""
	}
	seen := map[string]bool{}
	index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
		key := entryRef(d) + " " + d.Digest.String()
		drop := seen[key] || entryRef(d) == "" && named[d.Digest]
		seen[key] = true
		return drop
	})
	slices.SortStableFunc(index.Manifests, func(a, b v1.Descriptor) int {
		return cmp.Or(cmp.Compare(entryRef(a), entryRef(b)), cmp.Compare(a.Digest.String(), b.Digest.String()))
	})
}

// unnamed returns an entry without reference and origin.
func unnamed(d v1.Descriptor) v1.Descriptor {
	d.Annotations = maps.Clone(d.Annotations)
	delete(d.Annotations, refAnnotation)
	delete(d.Annotations, originAnnotation)
	return d
}

// named returns an entry with a reference and, when pulled, an origin.
func named(d v1.Descriptor, reference, origin string) v1.Descriptor {
	d = unnamed(d)
	if d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[refAnnotation] = reference
	if origin != "" {
		d.Annotations[originAnnotation] = origin
	}
	return d
}

// release takes the reference off the entries that the function names. Their
// images stay.
func release(index *v1.IndexManifest, which func(v1.Descriptor) bool) {
	for i, d := range index.Manifests {
		if which(d) {
			index.Manifests[i] = unnamed(d)
		}
	}
}
