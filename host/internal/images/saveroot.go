// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/archive"
	"github.com/zlayer/zlayer/host/internal/rootfs"
)

// saveRoot writes the file system of an image.
func (s *Store) saveRoot(ctx context.Context, entry v1.Descriptor, out Output) error {
	layers, err := s.rootLayers(ctx, entry)
	if err != nil {
		return err
	}
	if out.Form == FormRootTar {
		return saveFile(out, func(w io.Writer) error { return rootfs.WriteTar(w, layers) })
	}
	left, err := rootfs.WriteFolder(out.Path, layers)
	if err != nil {
		return fmt.Errorf("saving an image to %s: %w", out.Path, err)
	}
	if note := lacks(left); note != "" && out.Note != nil {
		out.Note(out.Path + " is not all of the image: " + note)
	}
	return nil
}

// rootLayers are the layers of the one image that an entry names.
func (s *Store) rootLayers(ctx context.Context, entry v1.Descriptor) ([]rootfs.Layer, error) {
	if entry.MediaType.IsIndex() {
		return nil, &Error{
			Kind: KindUnsupported, Reference: label(entry), Message: "a manifest list has no file system",
			Help: "save one of its images, by digest",
		}
	}
	img, err := s.image(entry)
	if err != nil {
		return nil, err
	}
	if img.Config == nil {
		return nil, &Error{
			Kind: KindUnsupported, Reference: img.Digest, Message: "a wasm artifact has no file system", Help: "save it as oci-layout or oci-archive",
		}
	}
	var layers []rootfs.Layer
	for _, l := range img.manifest.Layers {
		layers = append(layers, func() (io.ReadCloser, error) { return s.unpacked(ctx, l) })
	}
	return layers, nil
}

// unpacked opens the tar of a layer. Closing it reads what is left of the blob,
// whose digest is checked at its end.
func (s *Store) unpacked(ctx context.Context, l v1.Descriptor) (io.ReadCloser, error) {
	blob, err := s.open(ctx, part{blob: l})
	if err != nil {
		return nil, err
	}
	r, err := archive.Decompress(blob)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("layer %s: %w", l.Digest, err), blob.Close())
	}
	return &unpacked{r, blob}, nil
}

type unpacked struct {
	io.ReadCloser
	blob io.ReadCloser
}

// Close closes the layer and its blob.
func (u *unpacked) Close() error {
	_, err := io.Copy(io.Discard, u.blob)
	return errors.Join(err, u.ReadCloser.Close(), u.blob.Close())
}

// lacks says what a folder does not have of an image.
func lacks(left rootfs.Left) string {
	var list []string
	if left.Owners > 0 {
		list = append(list, fmt.Sprintf("%d files are yours that have another owner, which only root can give them", left.Owners))
	}
	if left.Devices > 0 {
		list = append(list, fmt.Sprintf("%d devices and pipes are left out", left.Devices))
	}
	if left.Attributes > 0 {
		list = append(list, fmt.Sprintf("%d files have lost extended attributes", left.Attributes))
	}
	return strings.Join(list, "; ")
}
