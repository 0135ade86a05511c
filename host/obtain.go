// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/zlayer/zlayer/host/internal/images"
)

// Pull fetches an image from its registry, for a platform, "os/arch[/variant]";
// empty means Linux on this CPU. What the reference meant before keeps its
// content and loses this name.
func (h *Host) Pull(ctx context.Context, reference, platform string, events func(Event)) (*Image, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	want, err := imagePlatform(platform)
	if err != nil {
		return nil, err
	}
	found, err := store.Resolve(ctx, images.Request{
		Reference: reference, Platform: want, Policy: images.PolicyAlways, Progress: newEmitter(events).transfer(EventPull, reference),
	})
	if err != nil {
		return nil, withoutPullFlag(imageError(err))
	}
	image := imageOf(found)
	return &image, nil
}

// withoutPullFlag drops advice about a flag that only builds have.
func withoutPullFlag(err error) error {
	var e *ImageError
	if errors.As(err, &e) && strings.Contains(e.Help, "--pull") {
		e.Help, _, _ = strings.Cut(e.Help, "; --pull")
	}
	return err
}

// Load reads the images of an archive or folder, docker-archive, oci-archive or
// oci-layout, into the store; of stream where path is empty. They have the names
// that are written there. All are loaded or none.
func (h *Host) Load(ctx context.Context, path string, stream io.Reader, events func(Event)) ([]Image, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	name := path
	if name == "" {
		name = "stdin"
	}
	found, err := store.Load(ctx, path, stream, newEmitter(events).transfer(EventLoad, name))
	if err != nil {
		err = imageError(err)
		var input *InputError
		if errors.As(err, &input) {
			input.Message = name + ": " + input.Message
		}
		return nil, err
	}
	return imagesOf(found), nil
}
