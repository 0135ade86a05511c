// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// image reads an image or a manifest list of the index.
func (s *Store) image(entry v1.Descriptor) (*Image, error) {
	if entry.MediaType.IsIndex() {
		return s.list(entry)
	}
	m, err := s.manifest(entry)
	if err != nil {
		return nil, err
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
		size:      entry.Size,
	}
	for _, l := range m.Layers {
		img.Size += l.Size
		img.Layers = append(img.Layers, Layer{Digest: l.Digest.String(), MediaType: string(l.MediaType), Size: l.Size})
	}
	return img, img.readConfig(m.Config.MediaType)
}

// list reads a manifest list.
func (s *Store) list(entry v1.Descriptor) (*Image, error) {
	list := &Image{
		Reference: entryRef(entry), Digest: entry.Digest.String(), MediaType: string(entry.MediaType),
		Platform: &irv1.Platform{}, Images: []*Image{}, size: entry.Size,
	}
	all, err := s.tree(entry)
	if err != nil {
		return nil, err
	}
	for _, d := range all {
		list.Size += d.Size
	}
	members, err := s.members(entry)
	if err != nil {
		return nil, err
	}
	for _, d := range members {
		img, err := s.image(unnamed(d))
		if err != nil {
			return nil, err
		}
		list.Images = append(list.Images, img)
		if img.Created.After(list.Created) {
			list.Created = img.Created
		}
	}
	return list, nil
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
	i.History = historyOf(f)
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

// historyOf returns the history of a configuration, each entry that made a layer
// with its number. Where a history has more such entries than layers, those have
// none.
func historyOf(f *configFile) []Step {
	var all []Step
	made := 0
	for _, h := range f.History {
		step := Step{Created: h.Created.Time, CreatedBy: h.CreatedBy, Comment: h.Comment, Layer: -1}
		if !h.EmptyLayer && made < len(f.RootFS.DiffIDs) {
			step.Layer = made
			made++
		}
		all = append(all, step)
	}
	return all
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
// digits, four or more, of its digest. A reference goes before digits. Of a name
// for several platforms it is the image for the given one. Nil means the
// manifest list, else the image for this machine, else any.
func (s *Store) Inspect(reference string, want *irv1.Platform) (*Image, error) {
	if want == nil {
		entry, err := s.entry(reference)
		if err != nil {
			return nil, err
		}
		return s.image(entry)
	}
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	all, err := s.every(index, reference)
	if err != nil {
		return nil, err
	}
	entry, have := best(all, want)
	if entry == nil {
		return nil, wrongPlatform(reference, want, have)
	}
	return s.image(*entry)
}

// List returns every image and manifest list of the store, once for each of its
// references, sorted by reference; those without one come first. An image that
// is not whole any more is left out, and so is one without a reference that is
// part of a list.
func (s *Store) List() ([]*Image, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	parts := s.parts(index)
	var list []*Image
	for _, d := range index.Manifests {
		if entryRef(d) == "" && parts[d.Digest] != nil {
			continue
		}
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

// parts says of which manifest list of the index an image or a list is a part.
// Lists that cannot be read have none.
func (s *Store) parts(index *v1.IndexManifest) map[v1.Hash]*v1.Descriptor {
	of := map[v1.Hash]*v1.Descriptor{}
	for _, d := range index.Manifests {
		if !d.MediaType.IsIndex() {
			continue
		}
		all, _ := s.tree(d)
		for _, part := range all[1:] {
			of[part.Digest] = &d
		}
	}
	return of
}
