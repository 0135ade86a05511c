// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// opener reads a blob. What it reads is checked against the descriptor.
type opener func(context.Context, v1.Descriptor) (io.ReadCloser, error)

// document is an OCI manifest with all that it names.
type document struct {
	raw    []byte
	oci    *v1.Manifest
	config []byte
	open   opener // reads the layers
}

// descriptor is what refers to the document.
func (d *document) descriptor() v1.Descriptor {
	return v1.Descriptor{
		MediaType: types.OCIManifestSchema1, Digest: digestOf(d.raw), Size: int64(len(d.raw)), ArtifactType: d.oci.ArtifactType,
	}
}

// blob opens the configuration or a layer.
func (d *document) blob(ctx context.Context, want v1.Descriptor) (io.ReadCloser, error) {
	if want.Digest == d.oci.Config.Digest {
		return io.NopCloser(bytes.NewReader(d.config)), nil
	}
	return d.open(ctx, want)
}

func digestOf(data []byte) v1.Hash {
	h, _, _ := v1.SHA256(bytes.NewReader(data)) // reading memory does not fail
	return h
}

// upload is a document as the library wants it for pushing.
type upload struct {
	*document
	ctx context.Context
	// cancel ends the upload when the document cannot be read.
	cancel context.CancelCauseFunc
}

var _ partial.CompressedImageCore = (*upload)(nil)

// MediaType implements partial.CompressedImageCore.
func (u *upload) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// RawManifest implements partial.CompressedImageCore.
func (u *upload) RawManifest() ([]byte, error) { return u.raw, nil }

// RawConfigFile implements partial.CompressedImageCore.
func (u *upload) RawConfigFile() ([]byte, error) { return u.config, nil }

// LayerByDigest implements partial.CompressedImageCore.
func (u *upload) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	for _, d := range append([]v1.Descriptor{u.oci.Config}, u.oci.Layers...) {
		if d.Digest == h {
			return &uploadLayer{u, d}, nil
		}
	}
	return nil, fmt.Errorf("the artifact has no blob %s", h)
}

// uploadLayer is a blob of an upload.
type uploadLayer struct {
	of   *upload
	desc v1.Descriptor
}

// Digest implements partial.CompressedLayer.
func (l *uploadLayer) Digest() (v1.Hash, error) { return l.desc.Digest, nil }

// Size implements partial.CompressedLayer.
func (l *uploadLayer) Size() (int64, error) { return l.desc.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *uploadLayer) MediaType() (types.MediaType, error) { return l.desc.MediaType, nil }

// Compressed implements partial.CompressedLayer.
func (l *uploadLayer) Compressed() (io.ReadCloser, error) {
	r, err := l.of.blob(l.of.ctx, l.desc)
	if err != nil {
		l.of.cancel(err)
		return nil, err
	}
	return &uploadReader{r, l.of.cancel}, nil
}

// uploadReader ends the upload with the error of its source, which is not one
// of the registry that is written to.
type uploadReader struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

// Read implements io.Reader.
func (r *uploadReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		r.cancel(err)
	}
	return n, err
}
