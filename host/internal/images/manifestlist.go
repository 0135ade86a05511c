// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// A manifest list is an OCI image index in the store, and an entry of the
// store's index like an image. Each image in it has an entry of its own, so
// that it can be found by digest.

// CreateList makes a manifest list of images, each named as for Inspect, under
// a reference. A name for several platforms stands for all of them; no two
// images may be for the same one. What had the reference before keeps its
// content and loses this name.
func (s *Store) CreateList(ctx context.Context, reference string, images []string) (*Image, error) {
	full, err := tag(reference)
	if err != nil {
		return nil, err
	}
	return s.changeList(ctx, full, types.OCIImageIndex, func(index *v1.IndexManifest) ([]v1.Descriptor, error) {
		added, err := s.wanted(index, images)
		if err != nil {
			return nil, err
		}
		release(index, func(d v1.Descriptor) bool { return entryRef(d) == full })
		return added, onePerPlatform(added)
	})
}

// Join makes a manifest list without a reference, of images named as for Inspect.
// No two may be for the same platform. Empty means FormatOCI.
func (s *Store) Join(ctx context.Context, images []string, format Format) (*Image, error) {
	kinds, err := format.mediaTypes()
	if err != nil {
		return nil, err
	}
	return s.changeList(ctx, "", kinds.list, func(index *v1.IndexManifest) ([]v1.Descriptor, error) {
		all, err := s.wanted(index, images)
		if err != nil {
			return nil, err
		}
		return all, onePerPlatform(all)
	})
}

// AddToList adds images to the manifest list that has a reference. One takes
// the place of the list's image for the same platform.
func (s *Store) AddToList(ctx context.Context, reference string, images []string) (*Image, error) {
	full, err := tag(reference)
	if err != nil {
		return nil, err
	}
	return s.changeList(ctx, full, types.OCIImageIndex, func(index *v1.IndexManifest) ([]v1.Descriptor, error) {
		old, err := listNamed(index, full)
		if err != nil {
			return nil, err
		}
		have, err := s.members(*old)
		if err != nil {
			return nil, err
		}
		added, err := s.wanted(index, images)
		if err != nil {
			return nil, err
		}
		index.Manifests = slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool { return entryRef(d) == full })
		return replaceEqual(have, added), onePerPlatform(added)
	})
}

// changeList makes the list of a type, under a reference or without one, of the
// images that change returns, in their order.
func (s *Store) changeList(ctx context.Context, full string, kind types.MediaType, change func(*v1.IndexManifest) ([]v1.Descriptor, error)) (*Image, error) {
	done, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	var entry v1.Descriptor
	err = s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		images, err := change(index)
		if err != nil {
			return err
		}
		if entry, err = s.putList(kind, images); err != nil {
			return err
		}
		if full != "" {
			entry = named(entry, full, "")
		}
		index.Manifests = append(index.Manifests, entry)
		for _, d := range images {
			index.Manifests = append(index.Manifests, unnamed(d))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.image(entry)
}

// putList stores a manifest list of a type.
func (s *Store) putList(kind types.MediaType, images []v1.Descriptor) (v1.Descriptor, error) {
	list := emptyIndex()
	list.MediaType = kind
	for _, d := range images {
		list.Manifests = append(list.Manifests, v1.Descriptor{MediaType: d.MediaType, Size: d.Size, Digest: d.Digest, Platform: d.Platform})
	}
	entry, err := s.putJSON(list)
	if err != nil {
		return entry, fmt.Errorf("writing manifest list: %w", err)
	}
	entry.MediaType = kind
	return entry, nil
}

// wanted returns the images that words name, all whole.
func (s *Store) wanted(index *v1.IndexManifest, words []string) ([]v1.Descriptor, error) {
	var all []v1.Descriptor
	for _, word := range words {
		found, err := s.every(index, word)
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if !s.whole(d) {
				return nil, &Error{Kind: KindDamaged, Reference: word, Message: "a part of it is not in the image store any more", Help: "pull or build the image again"}
			}
		}
		all = append(all, found...)
	}
	return distinct(all), nil
}

// onePerPlatform refuses images of which nobody could say which one is meant.
func onePerPlatform(images []v1.Descriptor) error {
	for i, d := range images {
		for _, e := range images[:i] {
			if samePlatform(d, e) {
				return &Error{
					Kind: KindPlatform, Reference: d.Digest.String(),
					Message: fmt.Sprintf("it is for %s, and so is %s", spell(platformOf(d.Platform)), e.Digest), Help: "name one image for each platform",
				}
			}
		}
	}
	return nil
}

// replaceEqual adds images, in the place of those for the same platform.
func replaceEqual(have, added []v1.Descriptor) []v1.Descriptor {
	for _, d := range added {
		if i := slices.IndexFunc(have, func(h v1.Descriptor) bool { return samePlatform(h, d) }); i >= 0 {
			have[i] = d
		} else {
			have = append(have, d)
		}
	}
	return have
}

func samePlatform(a, b v1.Descriptor) bool {
	x, y := platformOf(a.Platform), platformOf(b.Platform)
	return x.GetOs() == y.GetOs() && x.GetArchitecture() == y.GetArchitecture() && variantOf(x) == variantOf(y)
}

// listNamed returns the manifest list with a reference.
func listNamed(index *v1.IndexManifest, full string) (*v1.Descriptor, error) {
	for _, d := range index.Manifests {
		switch {
		case entryRef(d) != full:
		case !d.MediaType.IsIndex():
			return nil, &Error{Kind: KindReference, Reference: full, Message: "this is an image, not a manifest list", Help: `"zlayer manifest create" makes a list`}
		default:
			return &d, nil
		}
	}
	return nil, notTagged(full)
}
