// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// storedIndex is a manifest list of the store, as the library wants it.
type storedIndex struct {
	push  *pushing
	entry v1.Descriptor
}

var _ v1.ImageIndex = (*storedIndex)(nil)

// MediaType implements v1.ImageIndex.
func (i *storedIndex) MediaType() (types.MediaType, error) { return i.entry.MediaType, nil }

// Digest implements v1.ImageIndex.
func (i *storedIndex) Digest() (v1.Hash, error) { return i.entry.Digest, nil }

// Size implements v1.ImageIndex.
func (i *storedIndex) Size() (int64, error) { return i.entry.Size, nil }

// IndexManifest implements v1.ImageIndex.
func (i *storedIndex) IndexManifest() (*v1.IndexManifest, error) {
	return i.push.store.indexManifest(i.entry)
}

// RawManifest implements v1.ImageIndex.
func (i *storedIndex) RawManifest() ([]byte, error) { return i.push.store.readBlob(i.entry.Digest) }

// Image implements v1.ImageIndex.
func (i *storedIndex) Image(h v1.Hash) (v1.Image, error) {
	d, err := i.part(h)
	if err != nil {
		return nil, err
	}
	return i.push.image(d)
}

// ImageIndex implements v1.ImageIndex.
func (i *storedIndex) ImageIndex(h v1.Hash) (v1.ImageIndex, error) {
	d, err := i.part(h)
	return &storedIndex{i.push, d}, err
}

func (i *storedIndex) part(h v1.Hash) (v1.Descriptor, error) {
	index, err := i.IndexManifest()
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, d := range index.Manifests {
		if d.Digest == h {
			return d, nil
		}
	}
	return v1.Descriptor{}, fmt.Errorf("manifest list %s has no %s", i.entry.Digest, h)
}

// storedImage is an image of the store.
type storedImage struct {
	store *Store
	entry v1.Descriptor
	meter *meter
}

var _ partial.CompressedImageCore = (*storedImage)(nil)

// MediaType implements partial.CompressedImageCore.
func (i *storedImage) MediaType() (types.MediaType, error) { return i.entry.MediaType, nil }

// RawManifest implements partial.CompressedImageCore.
func (i *storedImage) RawManifest() ([]byte, error) { return i.store.readBlob(i.entry.Digest) }

// RawConfigFile implements partial.CompressedImageCore.
func (i *storedImage) RawConfigFile() ([]byte, error) {
	m, err := partial.Manifest(i)
	if err != nil {
		return nil, err
	}
	return i.store.readBlob(m.Config.Digest)
}

// LayerByDigest implements partial.CompressedImageCore.
func (i *storedImage) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	m, err := partial.Manifest(i)
	if err != nil {
		return nil, err
	}
	for _, d := range append(m.Layers, m.Config) {
		if d.Digest == h {
			return &storedLayer{store: i.store, desc: d, meter: i.meter}, nil
		}
	}
	return nil, fmt.Errorf("image %s has no blob %s", i.entry.Digest, h)
}

// storedLayer is a blob of an image.
type storedLayer struct {
	store *Store
	desc  v1.Descriptor
	meter *meter
}

// Digest implements partial.CompressedLayer.
func (l *storedLayer) Digest() (v1.Hash, error) { return l.desc.Digest, nil }

// Size implements partial.CompressedLayer.
func (l *storedLayer) Size() (int64, error) { return l.desc.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *storedLayer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }

// Compressed implements partial.CompressedLayer; reading reports progress.
func (l *storedLayer) Compressed() (io.ReadCloser, error) {
	r, err := l.store.openBlob(l.desc.Digest)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&countingReader{src: r, name: l.desc.Digest.String(), total: l.desc.Size, meter: l.meter}, r}, nil
}

// mountable says of each layer where its registry has it already.
type mountable struct {
	v1.Image
	from map[v1.Hash]name.Reference
}

// Layers implements v1.Image.
func (i *mountable) Layers() ([]v1.Layer, error) {
	layers, err := i.Image.Layers()
	if err != nil {
		return nil, err
	}
	for n, l := range layers {
		h, err := l.Digest()
		if err != nil {
			return nil, err
		}
		if ref := i.from[h]; ref != nil {
			layers[n] = &remote.MountableLayer{Layer: l, Reference: ref}
		}
	}
	return layers, nil
}
