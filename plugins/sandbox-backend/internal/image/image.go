// SPDX-License-Identifier: Apache-2.0

// Package image reads base images.
package image

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// Image is a base image.
type Image struct {
	// Layers are its layers, the lowest first: the blobs of the layout.
	Layers []layer.Source
	// Tree is what they add up to.
	Tree *tree.Tree
}

// Read reads the image whose manifest has a digest from an OCI image layout.
//
// Nothing is unpacked. The first time, each layer is read once, several at a
// time, and compared with the digest that the image's configuration gives it;
// what is in it is noted in the store. From then on only the notes are read.
// So Read is for when the tree is needed: an image of which it is not costs
// nothing.
//
// Many files of one layer can be opened one by one: when that would mean to
// decompress the layer again and again, its tar is added to the store.
func Read(layout, digest string, s *store.Store) (*Image, error) {
	im := &Image{}
	if err := im.read(layout, digest, s); err != nil {
		return nil, fmt.Errorf("reading image %s: %w", digest, err)
	}
	return im, nil
}

// read is Read, with errors that do not name the image.
func (im *Image) read(layout, digest string, s *store.Store) error {
	m, c, err := describe(layout, digest)
	if err != nil {
		return err
	}
	im.Layers = make([]layer.Source, len(m.Layers))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, d := range m.Layers {
		g.Go(func() (err error) {
			im.Layers[i], err = source(layout, d, c.RootFS.DiffIDs[i], s)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	im.Tree = tree.Empty()
	for _, l := range im.Layers {
		if im.Tree, err = im.Tree.Apply(l.Changes); err != nil {
			return fmt.Errorf("layer %s: %w", l.Digest, err)
		}
	}
	return nil
}

// describe reads the manifest and the configuration of an image.
func describe(layout, digest string) (*v1.Manifest, *v1.ConfigFile, error) {
	name, err := v1.NewHash(digest)
	if err != nil {
		return nil, nil, err
	}
	data, err := document(layout, name)
	if err != nil {
		return nil, nil, err
	}
	m, err := v1.ParseManifest(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("the manifest: %w", err)
	}
	if m.Config.Digest.Hex == "" {
		return nil, nil, fmt.Errorf("%s is not the manifest of an image", m.MediaType)
	}
	if data, err = document(layout, m.Config.Digest); err != nil {
		return nil, nil, err
	}
	c, err := v1.ParseConfigFile(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("the configuration: %w", err)
	}
	if len(c.RootFS.DiffIDs) != len(m.Layers) {
		return nil, nil, fmt.Errorf("the manifest has %d layers and the configuration %d", len(m.Layers), len(c.RootFS.DiffIDs))
	}
	return m, c, nil
}

// blob returns where a blob is (OCI image-spec, image-layout.md, "Blobs").
func blob(layout string, h v1.Hash) string {
	return filepath.Join(layout, "blobs", h.Algorithm, h.Hex)
}

// maxDocument is how large a manifest or configuration may be, as registries
// have it.
const maxDocument = 4 << 20

// document reads a small blob.
func document(layout string, h v1.Hash) ([]byte, error) {
	info, err := os.Stat(blob(layout, h))
	if err != nil {
		return nil, err
	}
	if info.Size() > maxDocument {
		return nil, fmt.Errorf("blob %s has %d bytes, more than a manifest or configuration may", h, info.Size())
	}
	data, err := os.ReadFile(blob(layout, h))
	if err != nil {
		return nil, err
	}
	found, _, err := v1.SHA256(bytes.NewReader(data))
	if err == nil && found != h {
		err = fmt.Errorf("blob %s of the image layout is damaged: its digest is %s", h, found)
	}
	return data, err
}

// source returns a layer of an image.
func source(layout string, d v1.Descriptor, diffID v1.Hash, s *store.Store) (layer.Source, error) {
	path, err := filepath.Abs(blob(layout, d.Digest))
	if err != nil {
		return layer.Source{}, err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return layer.Source{}, fmt.Errorf("layer %s: %w", d.Digest, err)
	case info.Size() != d.Size:
		return layer.Source{}, fmt.Errorf("layer %s of the image layout has %d bytes, not the %d of the manifest", d.Digest, info.Size(), d.Size)
	}
	src := layer.Source{Path: path, Compressed: true}
	if src.Layer, err = s.Index(diffID.String(), src); err != nil {
		return layer.Source{}, err
	}
	packed := src
	src.Expand = &layer.Expander{Make: func() (string, error) { return s.Expand(packed) }}
	return src, nil
}
