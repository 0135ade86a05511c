// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Push copies an image, named as for Inspect, to a registry; a manifest list
// with all its images. Layers that were pulled from the same registry are
// mounted there instead of sent, when it allows that. It returns the reference
// by digest that the image has there.
func (s *Store) Push(ctx context.Context, image, destination string, progress Progress) (string, error) {
	return s.push(ctx, image, destination, func(p *pushing) error {
		if p.entry.MediaType.IsIndex() {
			return remote.WriteIndex(p.Ref(), &storedIndex{p, p.entry}, p.Options(ctx)...)
		}
		img, err := p.image(p.entry)
		if err != nil {
			return err
		}
		return remote.Write(p.Ref(), img, p.Options(ctx)...)
	}, progress)
}

// PushList is Push for a manifest list whose images the repository has already:
// none of them is sent.
func (s *Store) PushList(ctx context.Context, list, destination string) (string, error) {
	return s.push(ctx, list, destination, func(p *pushing) error {
		if !p.entry.MediaType.IsIndex() {
			return &Error{Kind: KindReference, Reference: list, Message: "this is an image, not a manifest list", Help: `use "zlayer push"`}
		}
		return remote.Put(p.Ref(), &storedIndex{p, p.entry}, p.Options(ctx)...)
	}, nil)
}

// pushing is one push.
type pushing struct {
	*registry.Session
	store *Store
	entry v1.Descriptor
	// from says where the registry has layers already.
	from  map[v1.Hash]name.Reference
	meter *meter
}

// push prepares a push, and returns the reference by digest afterwards.
func (s *Store) push(ctx context.Context, image, destination string, write func(*pushing) error, progress Progress) (string, error) {
	release, err := s.Hold(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	entry, err := s.entry(image)
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
	from, err := s.sources(n.Ref().Context().Registry)
	if err != nil {
		return "", err
	}
	if err := write(&pushing{n, s, entry, from, newMeter(progress)}); err != nil {
		return "", explainPush(n.Explain(ctx, err))
	}
	full := registry.Full(n.Ref())
	return full[:strings.LastIndex(full, ":")] + "@" + entry.Digest.String(), nil
}

// explainPush keeps an error of the store from being taken for one of the
// registry.
func explainPush(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return err
}

// image is an image of the store as the library wants it for pushing.
func (p *pushing) image(entry v1.Descriptor) (v1.Image, error) {
	img, err := partial.CompressedToImage(&storedImage{store: p.store, entry: entry, meter: p.meter})
	if err != nil {
		return nil, err
	}
	return &mountable{Image: img, from: p.from}, nil
}

// sources says from which repository of a registry layers were pulled.
func (s *Store) sources(to name.Registry) (map[v1.Hash]name.Reference, error) {
	index, err := s.index()
	if err != nil {
		return nil, err
	}
	from := map[v1.Hash]name.Reference{}
	for _, d := range index.Manifests {
		if entryOrigin(d) == "" || !d.MediaType.IsImage() {
			continue
		}
		ref, err := s.client.Parse(entryRef(d))
		if err != nil || ref.Context().Registry != to {
			continue
		}
		m, err := s.manifest(d)
		if err != nil {
			continue // it cannot help, and it does no harm
		}
		for _, l := range m.Layers {
			from[l.Digest] = ref
		}
	}
	return from, nil
}
