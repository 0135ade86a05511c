// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"encoding/json"
	"runtime"
	"time"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// ImageDetails is all there is to say of an image.
type ImageDetails struct {
	Image
	// MediaType is that of its manifest.
	MediaType string `json:"mediaType"`
	// Config is its configuration file (image-spec, config.md), as stored.
	// Absent for a manifest list.
	Config json.RawMessage `json:"config,omitempty"`
	// Layers are its layers, lowest first.
	Layers []ImageLayer `json:"layers,omitempty"`
	// History is how it was made, oldest first.
	History []ImageStep `json:"history,omitempty"`
}

// ImageLayer is a layer of an image.
type ImageLayer struct {
	// Digest is that of the blob.
	Digest string `json:"digest"`
	// DiffID is the digest of the uncompressed tar. Empty for a wasm artifact.
	DiffID string `json:"diffID,omitempty"`
	// MediaType is that of the blob.
	MediaType string `json:"mediaType"`
	// Size is the size of the blob in bytes.
	Size int64 `json:"size"`
}

// ImageStep is an entry of an image's history.
type ImageStep struct {
	// Created is when it was made; zero when it does not say.
	Created time.Time `json:"created"`
	// CreatedBy is what made it.
	CreatedBy string `json:"createdBy"`
	// Comment is what else it says.
	Comment string `json:"comment,omitempty"`
	// Layer is the digest of the layer it made. Empty when it made none.
	Layer string `json:"layer,omitempty"`
	// Size is the size of that layer in bytes, as it is stored.
	Size int64 `json:"size"`
}

// InspectImage returns what there is to say of an image of the store, named by
// reference or digest. Platform, "os/arch[/variant]", chooses one of several;
// empty means the manifest list where there is one, else the image for this
// machine.
func (h *Host) InspectImage(_ context.Context, image, platform string) (*ImageDetails, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	want, err := imagePlatform(platform)
	if err != nil {
		return nil, err
	}
	found, err := store.Inspect(image, want)
	if err != nil {
		return nil, imageError(err)
	}
	return detailsOf(found), nil
}

// imagePlatform parses a platform; nil for "".
func imagePlatform(text string) (*irv1.Platform, error) {
	if text == "" {
		return nil, nil
	}
	p, err := ir.ParsePlatform(text, &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		return nil, &InputError{Message: "there is no such platform", Help: "write os/arch or os/arch/variant, such as linux/arm64", Err: err}
	}
	return p, nil
}

func detailsOf(i *images.Image) *ImageDetails {
	d := &ImageDetails{Image: imageOf(i), MediaType: i.MediaType, Config: i.RawConfig}
	for _, l := range i.Layers {
		d.Layers = append(d.Layers, ImageLayer{l.Digest, l.DiffID, l.MediaType, l.Size})
	}
	for _, s := range i.History {
		step := ImageStep{Created: s.Created, CreatedBy: s.CreatedBy, Comment: s.Comment}
		if s.Layer >= 0 {
			step.Layer, step.Size = d.Layers[s.Layer].Digest, d.Layers[s.Layer].Size
		}
		d.History = append(d.History, step)
	}
	return d
}
