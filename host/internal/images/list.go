// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image reads an image of the index.
func (s *Store) image(entry v1.Descriptor) (*Image, error) {
	raw, err := s.readBlob(entry.Digest)
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", entry.Digest, err)
	}
	config, err := s.readBlob(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	img := &Image{
		Reference: entryRef(entry),
		Digest:    entry.Digest.String(),
		MediaType: string(entry.MediaType),
		Platform:  platformOf(entry.Platform),
		Size:      entry.Size + m.Config.Size,
		RawConfig: config,
		manifest:  m,
	}
	for _, l := range m.Layers {
		img.Size += l.Size
		img.Layers = append(img.Layers, Layer{Digest: l.Digest.String(), MediaType: string(l.MediaType), Size: l.Size})
	}
	return img, img.readConfig(m.Config.MediaType)
}

// readConfig fills in what the configuration says.
func (i *Image) readConfig(mt types.MediaType) error {
	f, err := parseConfig(i.RawConfig)
	if err != nil {
		return fmt.Errorf("image %s: %w", i.Digest, err)
	}
	i.Created = f.Created.Time
	if !mt.IsConfig() {
		return nil
	}
	i.Config = imageConfig(f)
	if len(f.RootFS.DiffIDs) != len(i.Layers) {
		return &Error{
			Kind: KindUnsupported, Reference: i.Digest,
			Message: fmt.Sprintf("its manifest lists %d layers and its configuration %d", len(i.Layers), len(f.RootFS.DiffIDs)),
		}
	}
	for n, id := range f.RootFS.DiffIDs {
		i.Layers[n].DiffID = id.String()
	}
	return nil
}

// whole says whether all blobs of an image are there.
func (s *Store) whole(entry v1.Descriptor) bool {
	if !s.hasBlob(entry) {
		return false
	}
	raw, err := os.ReadFile(s.blobPath(entry.Digest))
	if err != nil {
		return false
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil || !s.hasBlob(m.Config) {
		return false
	}
	for _, l := range m.Layers {
		if !s.hasBlob(l) {
			return false
		}
	}
	return true
}

// Has says whether the store has an image, by the digest of its manifest, with
// all its blobs.
func (s *Store) Has(digest string) bool {
	index, err := s.index()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(index.Manifests, func(d v1.Descriptor) bool {
		return d.Digest.String() == digest && s.whole(d)
	})
}

// Inspect finds an image of the store by reference, by digest, or by the first
// digits, four or more, of its digest. A reference goes before digits.
func (s *Store) Inspect(reference string) (*Image, error) {
	entry, err := s.find(reference)
	if err != nil {
		return nil, err
	}
	return s.image(entry)
}

// find looks an image up in the index.
func (s *Store) find(reference string) (v1.Descriptor, error) {
	index, err := s.index()
	if err != nil {
		return v1.Descriptor{}, err
	}
	if full, err := Normalize(reference); err == nil {
		if d := forHost(index.Manifests, full); d != nil {
			return *d, nil
		}
	}
	digits := strings.TrimPrefix(reference, "sha256:")
	var found []v1.Descriptor
	for _, d := range index.Manifests {
		if len(digits) >= 4 && strings.HasPrefix(d.Digest.Hex, digits) {
			found = append(found, d)
		}
	}
	return oneOf(reference, found)
}

// forHost returns the image that a normalised reference names. Of several it is
// the one for this machine, or else any.
func forHost(entries []v1.Descriptor, ref string) *v1.Descriptor {
	_, digest, _ := strings.Cut(ref, "@")
	var found *v1.Descriptor
	best := -1
	for _, d := range entries {
		if n := match(orHost(nil), platformOf(d.Platform)); means(d, ref, digest) && n > best {
			found, best = &d, n
		}
	}
	return found
}

// oneOf returns the entry when all are of one image.
func oneOf(reference string, found []v1.Descriptor) (v1.Descriptor, error) {
	for _, d := range found {
		if d.Digest != found[0].Digest {
			return v1.Descriptor{}, &Error{
				Kind: KindReference, Reference: reference,
				Message: "several images have a digest that starts so", Help: "write more of the digest",
			}
		}
	}
	if len(found) == 0 {
		return v1.Descriptor{}, &Error{
			Kind: KindNotFound, Reference: reference,
			Message: "there is no such image in the store", Help: `"zlayer images" lists the images there are`,
		}
	}
	return found[0], nil
}

// List returns every image of the store, once for each of its references,
// sorted by reference; those without one come first. An image that is not
// whole any more is left out.
func (s *Store) List() ([]*Image, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	var list []*Image
	for _, d := range index.Manifests {
		img, err := s.image(d)
		if gone(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, img)
	}
	return list, nil
}

// gone says whether an image cannot be read because a blob is not there.
func gone(err error) bool {
	var own *Error
	return errors.As(err, &own) && own.Kind == KindDamaged || errors.Is(err, fs.ErrNotExist)
}

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
