// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// layoutRepository is the releases of one plugin in a layout.
type layoutRepository struct {
	layout *Layout
	id     string
}

// Tags implements Repository.
func (r *layoutRepository) Tags(context.Context) ([]string, error) {
	entries, err := r.layout.Entries()
	if err != nil {
		return nil, err
	}
	var tags []string
	for _, e := range entries {
		if e.ID == r.id {
			tags = append(tags, e.Tag)
		}
	}
	if tags == nil {
		return nil, r.missing(r.id)
	}
	return tags, nil
}

// Get implements Repository.
func (r *layoutRepository) Get(ctx context.Context, tagOrDigest string) (*Artifact, error) {
	reference := r.id + ":" + tagOrDigest
	entry, err := r.find(tagOrDigest)
	if err != nil {
		return nil, err
	}
	raw, err := readSmall(ctx, entry, maxDocument, r.layout.blob)
	if err != nil {
		return nil, about(reference, err)
	}
	a, err := received(ctx, reference, raw, entry.MediaType, r.layout.blob)
	if err != nil {
		return nil, err
	}
	if a.Manifest().ID != r.id {
		return nil, unusable(reference, fmt.Errorf("the index gives this name to a release of %s", a.Manifest().ID))
	}
	return a, nil
}

// find looks an artifact of the plugin up in the index.
func (r *layoutRepository) find(tagOrDigest string) (v1.Descriptor, error) {
	index, err := r.layout.index()
	if err != nil {
		return v1.Descriptor{}, err
	}
	for _, d := range index.Manifests {
		id, tag, ok := named(d)
		if ok && id == r.id && (tag == tagOrDigest || d.Digest.String() == tagOrDigest) {
			return d, nil
		}
	}
	return v1.Descriptor{}, r.missing(r.id + ":" + tagOrDigest)
}

func (r *layoutRepository) missing(reference string) error {
	return &registry.Error{
		Kind: registry.KindNotFound, Reference: reference, Message: "the OCI image layout has no such release",
		Help: "check the id and the version",
	}
}

// Bundles implements Repository.
func (r *layoutRepository) Bundles(ctx context.Context, digest string) ([][]byte, error) {
	subject, err := registry.ParseDigest(digest)
	if err != nil {
		return nil, err
	}
	index, err := r.layout.index()
	if err != nil {
		return nil, err
	}
	var list []v1.Descriptor
	for _, d := range index.Manifests {
		if d.Annotations[refKey] == "" && d.ArtifactType != "" {
			list = append(list, d)
		}
	}
	return bundles(ctx, subject, list, func(ctx context.Context, d v1.Descriptor) ([]byte, error) {
		return readSmall(ctx, d, maxDocument, r.layout.blob)
	}, r.layout.blob)
}

// Put implements Repository.
func (r *layoutRepository) Put(ctx context.Context, a *Artifact, tag string) error {
	if a.Manifest().ID != r.id {
		return unusable(r.id+":"+tag, fmt.Errorf("this is a release of %s", a.Manifest().ID))
	}
	return r.layout.put(ctx, &a.document, r.id+":"+tag)
}

// PutBundle implements Repository.
func (r *layoutRepository) PutBundle(ctx context.Context, digest string, bundle []byte) error {
	if err := checkBundle(digest, bundle); err != nil {
		return err
	}
	subject, err := r.find(digest)
	if err != nil {
		return err
	}
	doc, err := refer(subject, bundle)
	if err != nil {
		return err
	}
	return r.layout.put(ctx, doc, "")
}
