// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// means says whether an entry is what a reference names: by the same name, or
// by the digest of the image or of the index it was pulled from.
func means(d v1.Descriptor, ref, digest string) bool {
	return entryRef(d) == ref || digest != "" && (d.Digest.String() == digest || entryOrigin(d) == digest)
}

// meant returns the entries that a normalised reference names: a manifest list,
// or the images that were pulled by that name, one for each platform.
func meant(entries []v1.Descriptor, ref string) []v1.Descriptor {
	_, digest, _ := strings.Cut(ref, "@")
	var found []v1.Descriptor
	for _, d := range entries {
		if means(d, ref, digest) {
			found = append(found, d)
		}
	}
	return found
}

// known returns the entries that a user's word names: a reference, a digest or
// the first digits, four or more, of one. A reference goes before digits.
func known(index *v1.IndexManifest, word string) ([]v1.Descriptor, error) {
	if full, err := Normalize(word); err == nil {
		if found := meant(index.Manifests, full); len(found) > 0 {
			return found, nil
		}
	}
	found := byDigits(index.Manifests, word)
	for _, d := range found {
		if d.Digest != found[0].Digest {
			return nil, &Error{
				Kind: KindReference, Reference: word,
				Message: "several images have a digest that starts so", Help: "write more of the digest",
			}
		}
	}
	if len(found) == 0 {
		return nil, &Error{
			Kind: KindNotFound, Reference: word,
			Message: "there is no such image in the store", Help: `"zlayer images" lists the images there are`,
		}
	}
	return found, nil
}

// byDigits returns the entries whose digest begins with some digits.
func byDigits(entries []v1.Descriptor, word string) []v1.Descriptor {
	digits := strings.TrimPrefix(word, "sha256:")
	var found []v1.Descriptor
	for _, d := range entries {
		if len(digits) >= 4 && strings.HasPrefix(d.Digest.Hex, digits) {
			found = append(found, d)
		}
	}
	return found
}

// entry finds the one entry that a user's word names: a manifest list, or of
// several platforms' images the one for this machine, or else any.
func (s *Store) entry(word string) (v1.Descriptor, error) {
	index, err := s.index()
	if err != nil {
		return v1.Descriptor{}, err
	}
	found, err := known(index, word)
	if err != nil {
		if d, ok := s.made.Load(word); ok && s.hasBlob(d.(v1.Descriptor)) {
			return d.(v1.Descriptor), nil
		}
		return v1.Descriptor{}, err
	}
	for _, d := range found {
		if d.MediaType.IsIndex() {
			return d, nil
		}
	}
	return forHost(found), nil
}

// find finds the one image that a user's word names; of a manifest list the one
// for this machine, or else any.
func (s *Store) find(word string) (v1.Descriptor, error) {
	d, err := s.entry(word)
	if err != nil || !d.MediaType.IsIndex() {
		return d, err
	}
	found, err := s.members(d)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if len(found) == 0 {
		return v1.Descriptor{}, &Error{Kind: KindUnsupported, Reference: word, Message: "this manifest list has no image"}
	}
	return forHost(found), nil
}

// every returns all images that a user's word names, one for each platform.
func (s *Store) every(index *v1.IndexManifest, word string) ([]v1.Descriptor, error) {
	found, err := known(index, word)
	if err != nil {
		return nil, err
	}
	return s.flatten(found)
}

// flatten puts the images of manifest lists in the lists' place.
func (s *Store) flatten(entries []v1.Descriptor) ([]v1.Descriptor, error) {
	var flat []v1.Descriptor
	for _, d := range entries {
		if !d.MediaType.IsIndex() {
			flat = append(flat, d)
			continue
		}
		members, err := s.members(d)
		if err != nil {
			return nil, err
		}
		flat = append(flat, members...)
	}
	return flat, nil
}

// forHost returns the image for this machine, or else any. There is one.
func forHost(images []v1.Descriptor) v1.Descriptor {
	found, best := images[0], 0
	for _, d := range images {
		if n := match(orHost(nil), platformOf(d.Platform)); n > best {
			found, best = d, n
		}
	}
	return found
}

// Tag gives an image or a manifest list one more reference. What had the
// reference before keeps its content and loses this name. The image is named as
// for Inspect.
func (s *Store) Tag(ctx context.Context, image, reference string) error {
	full, err := tag(reference)
	if err != nil {
		return err
	}
	done, err := s.Hold(ctx) // what is found must still be there when it is named
	if err != nil {
		return err
	}
	defer done()
	entry, err := s.entry(image)
	if err != nil {
		return err
	}
	return s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		release(index, func(d v1.Descriptor) bool { return entryRef(d) == full })
		index.Manifests = append(index.Manifests, named(entry, full, ""))
		return nil
	})
}

// tag is the full form of a reference that an image can be given.
func tag(reference string) (string, error) {
	full, err := Normalize(reference)
	if err == nil && strings.Contains(full, "@") {
		return "", &Error{
			Kind: KindReference, Reference: reference,
			Message: "an image cannot be given a reference with a digest", Help: `leave out "@sha256:…"`,
		}
	}
	return full, err
}

func notTagged(reference string) error {
	return &Error{
		Kind: KindNotFound, Reference: reference,
		Message: "no image of the store has this reference", Help: `"zlayer images" lists the images there are`,
	}
}
