// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// mediaTypes are the media types of one format. The configuration itself is
// the same in both.
type mediaTypes struct {
	manifest, config types.MediaType
	// layer gives the type of a layer that a base has in the other format.
	layer map[types.MediaType]types.MediaType
}

func (f Format) mediaTypes() (mediaTypes, error) {
	switch f {
	case FormatOCI, "":
		return mediaTypes{types.OCIManifestSchema1, types.OCIConfigJSON, map[types.MediaType]types.MediaType{
			types.OCILayer:                types.OCILayer,
			types.OCILayerZStd:            types.OCILayerZStd,
			types.OCIUncompressedLayer:    types.OCIUncompressedLayer,
			types.DockerLayer:             types.OCILayer,
			types.DockerUncompressedLayer: types.OCIUncompressedLayer,
		}}, nil
	case FormatDocker:
		return mediaTypes{types.DockerManifestSchema2, types.DockerConfigJSON, map[types.MediaType]types.MediaType{
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
				Help:    "build with --format oci",
			}
		}
		out[i] = v1.Descriptor{MediaType: mt, Digest: l.Digest, Size: l.Size}
	}
	return out, nil
}
