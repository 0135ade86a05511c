// SPDX-License-Identifier: Apache-2.0

package host

import "context"

// CreateList makes a manifest list of images of the store, each named by
// reference or digest, under a name. A name for several platforms stands for
// all of them; no two images may be for the same one. Whoever builds for
// several platforms joins the results with it.
func (h *Host) CreateList(ctx context.Context, name string, members ...string) (*Image, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	list, err := store.CreateList(ctx, name, members)
	if err != nil {
		return nil, imageError(err)
	}
	image := imageOf(list)
	return &image, nil
}

// AddToList adds images to the manifest list of a name. One takes the place of
// the list's image for the same platform.
func (h *Host) AddToList(ctx context.Context, name string, members ...string) (*Image, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	list, err := store.AddToList(ctx, name, members)
	if err != nil {
		return nil, imageError(err)
	}
	image := imageOf(list)
	return &image, nil
}

// PushList is Push for a manifest list whose images the repository has already:
// none of them is sent.
func (h *Host) PushList(ctx context.Context, list, reference string) (string, error) {
	store, err := h.images()
	if err != nil {
		return "", err
	}
	pushed, err := store.PushList(ctx, list, reference)
	return pushed, imageError(err)
}
