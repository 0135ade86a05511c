// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Tag gives an image one more reference. What had the reference before keeps
// its content and loses this name. The image is named as for Inspect.
func (s *Store) Tag(ctx context.Context, image, reference string) error {
	full, err := Normalize(reference)
	if err != nil {
		return err
	}
	if strings.Contains(full, "@") {
		return &Error{
			Kind: KindReference, Reference: reference,
			Message: "an image cannot be given a reference with a digest", Help: `leave out "@sha256:…"`,
		}
	}
	entry, err := s.find(image)
	if err != nil {
		return err
	}
	return s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		release(index, func(d v1.Descriptor) bool { return entryRef(d) == full })
		index.Manifests = append(index.Manifests, named(entry, full, ""))
		return nil
	})
}

// Untag takes a reference away. The image stays in the store.
func (s *Store) Untag(ctx context.Context, reference string) error {
	full, err := Normalize(reference)
	if err != nil {
		return err
	}
	return s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		found := false
		release(index, func(d v1.Descriptor) bool {
			found = found || entryRef(d) == full
			return entryRef(d) == full
		})
		if !found {
			return fmt.Errorf("removing a tag: %w", notTagged(reference))
		}
		return nil
	})
}

func notTagged(reference string) error {
	return &Error{
		Kind: KindNotFound, Reference: reference,
		Message: "no image of the store has this reference", Help: `"zlayer images" lists the images there are`,
	}
}
