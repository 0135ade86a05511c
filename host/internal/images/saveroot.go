// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/archive"
	"github.com/zlayer/zlayer/host/internal/rootfs"
)

// saveRoot writes the file system of an image; those of a manifest list side by
// side, each in a folder of its platform.
func (s *Store) saveRoot(ctx context.Context, entry v1.Descriptor, out Output) error {
	roots, err := s.roots(ctx, entry)
	if err != nil {
		return err
	}
	if out.Form == FormRootTar {
		return saveFile(out, func(w io.Writer) error { return rootfs.WriteTar(w, roots...) })
	}
	left, err := rootfs.WriteFolder(out.Path, roots...)
	if err != nil {
		return fmt.Errorf("saving an image to %s: %w", out.Path, err)
	}
	if note := lacks(left); note != "" && out.Note != nil {
		out.Note(out.Path + " is not all of the image: " + note)
	}
	return nil
}

// roots are the file systems of an entry.
func (s *Store) roots(ctx context.Context, entry v1.Descriptor) ([]rootfs.Root, error) {
	if !entry.MediaType.IsIndex() {
		layers, err := s.rootLayers(ctx, entry)
		return []rootfs.Root{{Layers: layers}}, err
	}
	members, err := s.members(entry)
	if err != nil {
		return nil, err
	}
	var roots []rootfs.Root
	for _, d := range members {
		folder, err := platformFolder(d)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(roots, func(r rootfs.Root) bool { return r.Folder == folder }) {
			return nil, noFolder(d, "is that of another image of the list")
		}
		layers, err := s.rootLayers(ctx, d)
		if err != nil {
			return nil, err
		}
		roots = append(roots, rootfs.Root{Folder: folder, Layers: layers})
	}
	return roots, nil
}

// folderName is what a platform from outside may name.
var folderName = regexp.MustCompile(`^[A-Za-z0-9]+(_[A-Za-z0-9][A-Za-z0-9.-]*)+$`)

// platformFolder names the folder of an image of a list as docker does:
// "linux_arm_v7".
func platformFolder(d v1.Descriptor) (string, error) {
	name := strings.ReplaceAll(spell(platformOf(d.Platform)), "/", "_")
	if !folderName.MatchString(name) {
		return "", noFolder(d, "names no folder")
	}
	return name, nil
}

// noFolder refuses an image of a list whose platform is no name for a folder.
func noFolder(d v1.Descriptor, why string) error {
	return &Error{
		Kind: KindUnsupported, Reference: d.Digest.String(), Message: fmt.Sprintf("its platform %q %s", spell(platformOf(d.Platform)), why),
		Help: "save one image of the manifest list, by digest",
	}
}

// rootLayers are the layers of an image.
func (s *Store) rootLayers(ctx context.Context, entry v1.Descriptor) ([]rootfs.Layer, error) {
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
