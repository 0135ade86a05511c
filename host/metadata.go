// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// metadata is what a metadata file says of a build. Where docker buildx has a
// name for a thing, it has that name here.
type metadata struct {
	imageMetadata
	Names     string          `json:"image.name,omitempty"`
	BuildFile string          `json:"zlayer.build-file"`
	Frontend  string          `json:"zlayer.frontend"`
	Images    []imageMetadata `json:"zlayer.images,omitempty"`
	Outputs   []string        `json:"zlayer.outputs,omitempty"`
	Started   time.Time       `json:"zlayer.started"`
	Seconds   float64         `json:"zlayer.seconds"`
}

// imageMetadata is what there is to say of an image; of a manifest list the
// images know more.
type imageMetadata struct {
	Digest       string      `json:"containerimage.digest"`
	ConfigDigest string      `json:"containerimage.config.digest,omitempty"`
	Descriptor   descriptor  `json:"containerimage.descriptor"`
	Platform     string      `json:"zlayer.platform,omitempty"`
	Backend      string      `json:"zlayer.backend,omitempty"`
	Cached       bool        `json:"zlayer.cached"`
	Inputs       []inputRead `json:"zlayer.inputs,omitzero"`
}

// descriptor is the descriptor of a manifest (image-spec, descriptor.md).
type descriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// inputRead is what a build read of a context; the main one has no name.
type inputRead struct {
	Context string   `json:"context"`
	Paths   []string `json:"paths"`
	Digest  string   `json:"digest"`
}

// report writes the digest file and the metadata file.
func (o *order) report(r *Result) error {
	if file := o.request.DigestFile; file != "" {
		if err := writeReport(file, []byte(r.Digest)); err != nil {
			return err
		}
	}
	if o.request.MetadataFile == "" {
		return nil
	}
	m, err := o.metadata(r)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeReport(o.request.MetadataFile, append(data, '\n'))
}

// writeReport replaces a file that others may read.
func writeReport(file string, data []byte) error {
	if err := atomicfile.WriteMode(file, data, 0o644); err != nil {
		return &InputError{Message: "cannot write " + file, Help: "the image is built and in the store", Err: cause(err)}
	}
	return nil
}

func (o *order) metadata(r *Result) (*metadata, error) {
	m := &metadata{
		Names: strings.Join(r.Tags, ","), BuildFile: o.request.Source.Name, Frontend: o.checked.Frontend, Outputs: r.Outputs,
		Started: o.emit.started.UTC(), Seconds: time.Since(o.emit.started).Seconds(),
	}
	var err error
	if m.imageMetadata, err = o.host.describeImage(r); err != nil {
		return nil, err
	}
	if !o.request.several() {
		m.Inputs = o.builds[0].inputsRead()
		return m, nil
	}
	for i, part := range r.Images {
		image, err := o.host.describeImage(&part)
		if err != nil {
			return nil, err
		}
		image.Inputs = o.builds[i].inputsRead()
		m.Images = append(m.Images, image)
	}
	return m, nil
}

// describeImage says all that the store and a result say of an image.
func (h *Host) describeImage(r *Result) (imageMetadata, error) {
	store, err := h.images()
	if err != nil {
		return imageMetadata{}, err
	}
	found, err := store.Inspect(r.Digest, nil)
	if err != nil {
		return imageMetadata{}, imageError(err)
	}
	return imageMetadata{
		Digest: r.Digest, ConfigDigest: found.ConfigDigest(), Descriptor: descriptor{found.MediaType, found.Digest, found.ManifestSize()},
		Platform: imageOf(found).Platform, Backend: r.Backend, Cached: r.Cached,
	}, nil
}

func (b *build) inputsRead() []inputRead {
	names := contextNames(b.resolved.Build)
	list := []inputRead{}
	for _, in := range b.read {
		list = append(list, inputRead{names[in.Context], in.Paths, in.Digest})
	}
	return list
}

// checkReport refuses a digest or metadata file that could not be written after
// the build.
func checkReport(file string) error {
	if file == "" {
		return nil
	}
	parent := filepath.Dir(file)
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return &InputError{Message: fmt.Sprintf("cannot write %s: the folder %s does not exist", file, parent), Help: "create it first"}
	}
	if info, err := os.Stat(file); err == nil && !info.Mode().IsRegular() {
		return &InputError{Message: fmt.Sprintf("cannot write %s: something that is not a file is there", file), Help: "give the path of the file to write"}
	}
	return nil
}
