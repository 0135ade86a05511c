// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Push copies an image, named as for Inspect, to a registry. Layers that were
// pulled from the same registry are mounted there instead of sent, when it
// allows that. It returns the reference by digest that the image has there.
func (s *Store) Push(ctx context.Context, image, destination string, progress Progress) (string, error) {
	entry, err := s.find(image)
	if err != nil {
		return "", err
	}
	n, err := s.client.Dial(destination)
	if err != nil {
		return "", err
	}
	if _, fixed := n.Ref().(name.Digest); fixed {
		return "", &Error{
			Kind: KindReference, Reference: destination,
			Message: "an image cannot be pushed to a reference with a digest", Help: "push it to a tag",
		}
	}
	img, err := s.remoteImage(entry, n.Ref().Context().Registry, newMeter(progress))
	if err != nil {
		return "", err
	}
	if err := remote.Write(n.Ref(), img, n.Options(ctx)...); err != nil {
		return "", n.Explain(ctx, err)
	}
	full := registry.Full(n.Ref())
	return full[:strings.LastIndex(full, ":")] + "@" + entry.Digest.String(), nil
}

// remoteImage is an image of the store as the library wants it for pushing.
func (s *Store) remoteImage(entry v1.Descriptor, to name.Registry, m *meter) (v1.Image, error) {
	img, err := partial.CompressedToImage(&storedImage{store: s, entry: entry, meter: m})
	if err != nil {
		return nil, err
	}
	from, err := s.sources(to)
	if err != nil {
		return nil, err
	}
	return &mountable{Image: img, from: from}, nil
}

// sources says from which repository of a registry layers were pulled.
func (s *Store) sources(to name.Registry) (map[v1.Hash]name.Reference, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	from := map[v1.Hash]name.Reference{}
	for _, d := range index.Manifests {
		if entryOrigin(d) == "" {
			continue
		}
		ref, err := s.client.Parse(entryRef(d))
		if err != nil || ref.Context().Registry != to {
			continue
		}
		img, err := s.image(d)
		if err != nil {
			continue // it cannot help, and it does no harm
		}
		for _, l := range img.manifest.Layers {
			from[l.Digest] = ref
		}
	}
	return from, nil
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
