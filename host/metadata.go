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
	"github.com/zlayer/zlayer/sdk/ir"
)

// metadata is what a metadata file says of a build. Where docker buildx has a
// name for a thing, it has that name here.
type metadata struct {
	Digest       string      `json:"containerimage.digest"`
	ConfigDigest string      `json:"containerimage.config.digest,omitempty"`
	Descriptor   descriptor  `json:"containerimage.descriptor"`
	Names        string      `json:"image.name,omitempty"`
	Platform     string      `json:"zlayer.platform"`
	Backend      string      `json:"zlayer.backend"`
	Cached       bool        `json:"zlayer.cached"`
	BuildFile    string      `json:"zlayer.build-file"`
	Frontend     string      `json:"zlayer.frontend"`
	Inputs       []inputRead `json:"zlayer.inputs"`
	Outputs      []string    `json:"zlayer.outputs,omitempty"`
	Started      time.Time   `json:"zlayer.started"`
	Seconds      float64     `json:"zlayer.seconds"`
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
func (b *build) report(r *Result) error {
	if file := b.request.DigestFile; file != "" {
		if err := writeReport(file, []byte(r.Digest)); err != nil {
			return err
		}
	}
	if b.request.MetadataFile == "" {
		return nil
	}
	m, err := b.metadata(r)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeReport(b.request.MetadataFile, append(data, '\n'))
}

// writeReport replaces a file that others may read.
func writeReport(file string, data []byte) error {
	if err := atomicfile.WriteMode(file, data, 0o644); err != nil {
		return &InputError{Message: "cannot write " + file, Help: "the image is built and in the store", Err: cause(err)}
	}
	return nil
}

func (b *build) metadata(r *Result) (*metadata, error) {
	store, err := b.host.images()
	if err != nil {
		return nil, err
	}
	image, err := store.Inspect(r.Digest, nil)
	if err != nil {
		return nil, imageError(err)
	}
	return &metadata{
		Digest: r.Digest, ConfigDigest: image.ConfigDigest(),
		Descriptor: descriptor{image.MediaType, image.Digest, image.ManifestSize()},
		Names:      strings.Join(r.Tags, ","), Platform: ir.FormatPlatform(image.Platform),
		Backend: r.Backend, Cached: r.Cached,
		BuildFile: b.request.Source.Name, Frontend: b.resolved.Checked.Frontend,
		Inputs: b.inputsRead(), Outputs: r.Outputs,
		Started: b.emit.started.UTC(), Seconds: time.Since(b.emit.started).Seconds(),
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
