// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/images/tartime"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Build is a finished build, to be made into an image.
type Build struct {
	// Container is what was built. Its last stage is the image.
	Container *irv1.ResolvedContainer
	// Blobs are the layers above the target's external base image, lowest
	// first, as the backend's Artifact lists them.
	Blobs []*backendv1.Blob
	// Dir is where the backend exported the layers that Lacking named: one
	// file each, named with the hexadecimal digits of its digest.
	Dir string
	// Epoch is SOURCE_DATE_EPOCH in seconds: every time in the image is at
	// most this one. Nil when not set.
	Epoch *int64
	// Created is the time of the image when there is no Epoch. Zero means now.
	Created time.Time
	// Format is the format of the image. Empty means FormatOCI.
	Format Format
	// Progress reports layers that are compressed, in bytes of the
	// uncompressed tar. May be nil.
	Progress Progress
}

// Assemble makes the image of a build and puts it into the store, without a
// reference. The base image must be in the store, as Resolve left it, and
// layers that Lacking did not name need no file.
func (s *Store) Assemble(ctx context.Context, b Build) (*Image, error) {
	kinds, err := b.Format.mediaTypes()
	if err != nil {
		return nil, err
	}
	if err := checkEpoch(b.Epoch); err != nil {
		return nil, err
	}
	chain, err := chainOf(b.Container)
	if err != nil {
		return nil, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	stages := b.Container.GetStages()
	config, layers, err := s.base(b.Container, stages[chain[0]].GetBase())
	if err != nil {
		return nil, err
	}
	if err := b.describe(config, chain); err != nil {
		return nil, err
	}
	added, err := s.packAll(ctx, &b)
	if err != nil {
		return nil, err
	}
	for _, p := range added {
		layers = append(layers, v1.Descriptor{MediaType: types.OCILayer, Digest: p.Digest, Size: p.Size})
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, p.DiffID)
	}
	if layers, err = kinds.convert(layers); err != nil {
		return nil, err
	}
	return s.putImage(ctx, kinds, config, layers)
}

// base returns the start of the configuration, and the layers of the base.
func (s *Store) base(c *irv1.ResolvedContainer, base *irv1.Input) (*configFile, []v1.Descriptor, error) {
	if base.GetKind() == irv1.InputKind_INPUT_KIND_SCRATCH {
		return inherit(&configFile{}), nil, nil
	}
	digest := c.GetImages()[base.GetIndex()].GetDigest()
	entry, err := s.find(digest)
	if err != nil {
		return nil, nil, err
	}
	img, err := s.image(entry)
	if err != nil {
		return nil, nil, err
	}
	f, err := parseConfig(img.RawConfig)
	if err != nil {
		return nil, nil, err
	}
	config := inherit(f)
	config.History = padHistory(config.History, len(img.Layers))
	return config, img.manifest.Layers, nil
}

// describe fills in the configuration.
func (b *Build) describe(config *configFile, chain []int) error {
	stages, created := b.Container.GetStages(), b.created()
	target := stages[len(stages)-1]
	steps, err := history(stages, chain, b.Blobs, created)
	if err != nil {
		return err
	}
	config.History = append(config.History, steps...)
	config.Created = created
	config.OS = target.GetPlatform().GetOs()
	config.Architecture = target.GetPlatform().GetArchitecture()
	config.Variant = target.GetPlatform().GetVariant()
	setImageConfig(config, target.GetConfig())
	return nil
}

func (b *Build) created() v1.Time {
	switch {
	case b.Epoch != nil:
		return v1.Time{Time: time.Unix(*b.Epoch, 0).UTC()}
	case b.Created.IsZero():
		return v1.Time{Time: time.Now().UTC()}
	}
	return v1.Time{Time: b.Created.UTC()}
}

// putImage stores configuration and manifest, and lists the image.
func (s *Store) putImage(ctx context.Context, kinds mediaTypes, config *configFile, layers []v1.Descriptor) (*Image, error) {
	conf, err := s.putJSON(config)
	if err != nil {
		return nil, fmt.Errorf("writing image configuration: %w", err)
	}
	conf.MediaType = kinds.config
	return s.putManifest(ctx, &v1.Manifest{
		SchemaVersion: 2, MediaType: kinds.manifest, Config: conf, Layers: layers,
	}, config.Platform())
}

// putManifest stores a manifest whose blobs are all stored, and lists it.
func (s *Store) putManifest(ctx context.Context, m *v1.Manifest, platform *v1.Platform) (*Image, error) {
	entry, err := s.putJSON(m)
	if err != nil {
		return nil, fmt.Errorf("writing image manifest: %w", err)
	}
	entry.MediaType, entry.Platform = m.MediaType, platform
	s.made.Store(entry.Digest.String(), entry)
	err = s.updateIndex(ctx, func(index *v1.IndexManifest) error {
		index.Manifests = append(index.Manifests, entry)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.image(entry)
}

func checkEpoch(epoch *int64) error {
	if epoch != nil && (*epoch < 0 || *epoch > tartime.MaxEpoch) {
		return fmt.Errorf("SOURCE_DATE_EPOCH %d is out of range: use seconds since 1970, up to %d", *epoch, int64(tartime.MaxEpoch))
	}
	return nil
}

// mediaTypes are the media types of one format. The configuration itself is
// the same in both.
type mediaTypes struct {
	manifest, config, list types.MediaType
	// layer gives the type of a layer that a base has in the other format.
	layer map[types.MediaType]types.MediaType
}

func (f Format) mediaTypes() (mediaTypes, error) {
	switch f {
	case FormatOCI, "":
		return mediaTypes{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCIImageIndex, map[types.MediaType]types.MediaType{
			types.OCILayer:                types.OCILayer,
			types.OCILayerZStd:            types.OCILayerZStd,
			types.OCIUncompressedLayer:    types.OCIUncompressedLayer,
			types.DockerLayer:             types.OCILayer,
			types.DockerUncompressedLayer: types.OCIUncompressedLayer,
		}}, nil
	case FormatDocker:
		return mediaTypes{types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerManifestList, map[types.MediaType]types.MediaType{
			types.OCILayer:                types.DockerLayer,
			types.OCIUncompressedLayer:    types.DockerUncompressedLayer,
			types.DockerLayer:             types.DockerLayer,
			types.DockerUncompressedLayer: types.DockerUncompressedLayer,
		}}, nil
	}
	return mediaTypes{}, fmt.Errorf("unknown image format %q: use oci or docker", f)
}

// convert gives layers the types of the format, in a list of their own.
func (m mediaTypes) convert(layers []v1.Descriptor) ([]v1.Descriptor, error) {
	out := make([]v1.Descriptor, len(layers))
	for i, l := range layers {
		mt, ok := m.layer[l.MediaType]
		if !ok {
			return nil, &Error{
				Kind: KindUnsupported, Reference: l.Digest.String(),
				Message: fmt.Sprintf("a layer of the base is of type %q, which this image format does not have", l.MediaType),
				Help:    "build with --image-format oci",
			}
		}
		out[i] = v1.Descriptor{MediaType: mt, Digest: l.Digest, Size: l.Size}
	}
	return out, nil
}
