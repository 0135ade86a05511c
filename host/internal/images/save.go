// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Form is what Save writes.
type Form string

// The forms.
const (
	// FormLayout is a folder: an OCI image layout.
	FormLayout Form = "oci-layout"
	// FormArchive is an OCI image layout as a tar.
	FormArchive Form = "oci-archive"
	// FormDocker is the tar that "docker load" reads.
	FormDocker Form = "docker-archive"
	// FormRootTar is a tar of the file system of the image.
	FormRootTar Form = "tar"
	// FormRootFolder is a folder with the file system of the image.
	FormRootFolder Form = "local"
)

// Output says how and where Save writes.
type Output struct {
	// Form is the form.
	Form Form
	// Path is the folder or file. A file that is there is replaced, and so is
	// an OCI image layout; a folder of another kind is not. A file system is
	// put into a folder beside what is there.
	Path string
	// Writer, when set, gets what would be in the file at Path.
	Writer io.Writer
	// Note, when set, is called with what a folder does not have of a file
	// system: one sentence.
	Note func(string)
	// References are the names the image has in the output.
	References []string
}

// Save writes an image, named as for Inspect, to a folder or file; a manifest
// list with all its images, where the form has such a thing, and with their file
// systems in folders named by platform. The output appears whole or not at all,
// and is the same, byte for byte, for the same image and references.
func (s *Store) Save(ctx context.Context, image string, out Output) error {
	release, err := s.Hold(ctx)
	if err != nil {
		return err
	}
	defer release()
	entry, err := s.entry(image)
	if err != nil {
		return err
	}
	refs, err := normalAll(out.References)
	if err != nil {
		return err
	}
	switch out.Form {
	case FormLayout, FormArchive:
		parts, err := s.layoutParts(entry, refs)
		if err != nil {
			return err
		}
		if out.Form == FormLayout {
			return s.saveFolder(ctx, out.Path, parts)
		}
		return s.saveTar(ctx, out, parts)
	case FormDocker:
		parts, err := s.dockerParts(entry, refs)
		if err != nil {
			return err
		}
		return s.saveTar(ctx, out, parts)
	case FormRootTar, FormRootFolder:
		return s.saveRoot(ctx, entry, out)
	}
	return fmt.Errorf("unknown output %q: use oci-layout, oci-archive, docker-archive, tar or local", out.Form)
}

func normalAll(references []string) ([]string, error) {
	var all []string
	for _, r := range references {
		full, err := Normalize(r)
		if err != nil {
			return nil, err
		}
		all = append(all, full)
	}
	return all, nil
}

// part is one file of an output: bytes, or a blob of the store.
type part struct {
	name string
	data []byte
	blob v1.Descriptor
}

func (p *part) size() int64 {
	if p.data != nil {
		return int64(len(p.data))
	}
	return p.blob.Size
}

// layoutParts are the files of an OCI image layout.
func (s *Store) layoutParts(entry v1.Descriptor, refs []string) ([]part, error) {
	blobs, err := s.tree(entry)
	if err != nil {
		return nil, err
	}
	index := emptyIndex()
	for _, ref := range refs {
		d := named(entry, ref, "")
		d.Annotations["io.containerd.image.name"] = ref
		index.Manifests = append(index.Manifests, d)
	}
	if len(refs) == 0 {
		index.Manifests = append(index.Manifests, unnamed(entry))
	}
	data, err := json.Marshal(index)
	if err != nil {
		return nil, err
	}
	parts := []part{{name: layoutFile, data: []byte(layoutContent)}, {name: indexFile, data: data}}
	for _, d := range blobs {
		parts = append(parts, part{name: blobsDir + "/" + d.Digest.Hex, blob: d})
	}
	return parts, nil
}

// dockerManifest is an entry of manifest.json in Docker's archive.
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// dockerParts are the files of Docker's archive.
func (s *Store) dockerParts(entry v1.Descriptor, refs []string) ([]part, error) {
	if entry.MediaType.IsIndex() {
		return nil, &Error{
			Kind: KindUnsupported, Reference: label(entry), Message: "a Docker archive holds images, and this is a manifest list",
			Help: "save it as oci-layout or oci-archive, or one of its images by digest",
		}
	}
	img, err := s.image(entry)
	if err != nil {
		return nil, err
	}
	if img.Config == nil {
		return nil, &Error{
			Kind: KindUnsupported, Reference: img.Digest,
			Message: "a wasm artifact is not a container image, so there is no Docker archive of it", Help: "save it as oci-layout or oci-archive",
		}
	}
	m := dockerManifest{Config: img.manifest.Config.Digest.Hex + ".json", RepoTags: refs, Layers: []string{}}
	parts := []part{{name: m.Config, blob: img.manifest.Config}}
	for _, l := range img.manifest.Layers {
		m.Layers = append(m.Layers, l.Digest.Hex+extension(l.MediaType))
	}
	for _, l := range distinct(img.manifest.Layers) {
		parts = append(parts, part{name: l.Digest.Hex + extension(l.MediaType), blob: l})
	}
	data, err := json.Marshal([]dockerManifest{m})
	if err != nil {
		return nil, err
	}
	return append(parts, part{name: "manifest.json", data: data}), nil
}

func extension(mt types.MediaType) string {
	switch mt {
	case types.OCIUncompressedLayer, types.DockerUncompressedLayer:
		return ".tar"
	case types.OCILayerZStd:
		return ".tar.zst"
	}
	return ".tar.gz"
}
