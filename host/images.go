// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"time"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Image is an image, or a wasm artifact, of the store.
type Image struct {
	// Reference is its full name. Empty when it has none.
	Reference string `json:"reference"`
	// Digest is that of its manifest.
	Digest string `json:"digest"`
	// Platform is "os/arch[/variant]".
	Platform string `json:"platform"`
	// Created is when it was made; zero when it does not say.
	Created time.Time `json:"created"`
	// Size is the number of bytes of all it consists of.
	Size int64 `json:"size"`
	// Images are the images of a manifest list, which has no platform itself.
	Images []Image `json:"images,omitempty"`
}

func imageOf(i *images.Image) Image {
	out := Image{Reference: i.Reference, Digest: i.Digest, Platform: ir.FormatPlatform(i.Platform), Created: i.Created, Size: i.Size}
	if i.Images != nil {
		out.Platform, out.Images = "", imagesOf(i.Images)
	}
	return out
}

func imagesOf(list []*images.Image) []Image {
	out := []Image{}
	for _, i := range list {
		out = append(out, imageOf(i))
	}
	return out
}

// Images lists the images and manifest lists of the store, sorted by name; one
// has an entry for each of its names.
func (h *Host) Images(context.Context) ([]Image, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	found, err := store.List()
	if err != nil {
		return nil, stateError(err)
	}
	return imagesOf(found), nil
}

// holdImages keeps every blob of the image store where it is, until release is
// called.
func (h *Host) holdImages(ctx context.Context) (release func(), err error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	release, err = store.Hold(ctx)
	return release, imageError(err)
}

// Tag gives an image, named by reference or digest, more names.
func (h *Host) Tag(ctx context.Context, image string, references ...string) error {
	store, err := h.images()
	if err != nil {
		return err
	}
	for _, ref := range references {
		if err := store.Tag(ctx, image, ref); err != nil {
			return imageError(err)
		}
	}
	return nil
}

// Push copies an image of the store, or a manifest list with all its images, to
// the registry in the reference and returns the reference by digest that it has
// there.
func (h *Host) Push(ctx context.Context, image, reference string, events func(Event)) (string, error) {
	store, err := h.images()
	if err != nil {
		return "", err
	}
	pushed, err := store.Push(ctx, image, reference, newEmitter(events).transfer(EventPush, reference))
	return pushed, imageError(err)
}

// Save writes an image of the store, with the names it is given there, to an
// output. What a folder cannot have of it is told as an event.
func (h *Host) Save(ctx context.Context, image string, o Output, events func(Event), references ...string) error {
	if err := h.checkOutputs([]Output{o}); err != nil {
		return err
	}
	return h.save(ctx, image, o, newEmitter(events), references)
}

func (h *Host) save(ctx context.Context, image string, o Output, emit *emitter, references []string) error {
	if o.Type == OutputDocker {
		return h.loadInto(ctx, image, emit, references)
	}
	store, err := h.images()
	if err != nil {
		return err
	}
	err = store.Save(ctx, image, images.Output{
		Form: images.Form(o.Type), Path: o.Path, Writer: o.Writer, References: references,
		Note: func(text string) {
			emit.diagnostics(nil, []*diagv1.Diagnostic{diag.Warning(nil, "output", text)})
		},
	})
	var own *images.Error
	var name *registry.Error
	if err != nil && !errors.As(err, &own) && !errors.As(err, &name) {
		return &InputError{Message: "cannot write " + o.Path, Help: "check its folder and the free space, or choose another place; the image is in the store", Err: err}
	}
	return imageError(err)
}
