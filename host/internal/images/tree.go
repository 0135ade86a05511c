// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// attestation marks a manifest in a list that is about another one of it.
const attestation = "vnd.docker.reference.type"

// tree returns all that an image or a manifest list consists of, each blob
// once, its own manifest first. With an error it is what could be read.
func (s *Store) tree(entry v1.Descriptor) ([]v1.Descriptor, error) {
	all, err := s.grow(nil, entry, 0)
	return distinct(all), err
}

// grow adds the tree of a blob.
func (s *Store) grow(all []v1.Descriptor, d v1.Descriptor, depth int) ([]v1.Descriptor, error) {
	all = append(all, d)
	below, err := s.below(d)
	if err != nil {
		return all, err
	}
	if len(below) > 0 && depth > maxIndexDepth {
		return all, tooDeep(d.Digest.String())
	}
	var errs []error
	for _, b := range below {
		all, err = s.grow(all, b, depth+1)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// below returns what a manifest names; nothing for any other blob.
func (s *Store) below(d v1.Descriptor) ([]v1.Descriptor, error) {
	switch {
	case d.MediaType.IsIndex():
		index, err := s.indexManifest(d)
		if err != nil {
			return nil, err
		}
		return index.Manifests, nil
	case d.MediaType.IsImage():
		m, err := s.manifest(d)
		if err != nil {
			return nil, err
		}
		return append([]v1.Descriptor{m.Config}, m.Layers...), nil
	}
	return nil, nil
}

// manifest reads the manifest of an image.
func (s *Store) manifest(d v1.Descriptor) (*v1.Manifest, error) {
	raw, err := s.readBlob(d.Digest)
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading manifest %s: %w", d.Digest, err)
	}
	return m, nil
}

// indexManifest reads a manifest list.
func (s *Store) indexManifest(d v1.Descriptor) (*v1.IndexManifest, error) {
	raw, err := s.readBlob(d.Digest)
	if err != nil {
		return nil, err
	}
	index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading manifest list %s: %w", d.Digest, err)
	}
	return index, nil
}

// whole says whether all blobs of an image or a list are there.
func (s *Store) whole(entry v1.Descriptor) bool {
	all, err := s.tree(entry)
	if err != nil {
		return false
	}
	for _, d := range all {
		if !s.hasBlob(d) {
			return false
		}
	}
	return true
}

// members returns the images of a manifest list and of the lists in it, each
// with its platform and the list's names. What is not an image is left out.
func (s *Store) members(list v1.Descriptor) ([]v1.Descriptor, error) {
	return s.collect(nil, list, list.Annotations, 0)
}

func (s *Store) collect(found []v1.Descriptor, list v1.Descriptor, names map[string]string, depth int) ([]v1.Descriptor, error) {
	if depth == maxIndexDepth {
		return nil, tooDeep(list.Digest.String())
	}
	index, err := s.indexManifest(list)
	if err != nil {
		return nil, err
	}
	for _, d := range index.Manifests {
		about := d.Annotations[attestation]
		d.Annotations = names
		switch {
		case about != "":
		case d.MediaType.IsIndex():
			found, err = s.collect(found, d, names, depth+1)
		case d.MediaType.IsImage() && d.Platform == nil:
			if d.Platform, err = s.platform(d); err == nil {
				found = append(found, d)
			}
		case d.MediaType.IsImage():
			found = append(found, d)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// platform returns what an image says it is for.
func (s *Store) platform(d v1.Descriptor) (*v1.Platform, error) {
	m, err := s.manifest(d)
	if err != nil {
		return nil, err
	}
	raw, err := s.readBlob(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	f, err := parseConfig(raw)
	if err != nil {
		return nil, err
	}
	return f.Platform(), nil
}

func tooDeep(reference string) error {
	return &Error{Kind: KindUnsupported, Reference: reference, Message: fmt.Sprintf("indexes nested more than %d deep are refused", maxIndexDepth)}
}

// gone says whether an image cannot be read because a blob is not there.
func gone(err error) bool {
	var own *Error
	return errors.As(err, &own) && own.Kind == KindDamaged || errors.Is(err, fs.ErrNotExist)
}
