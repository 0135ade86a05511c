// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"

	"github.com/zlayer/zlayer/host/internal/images"
)

// Removed says what RemoveImages or Prune did, or would do.
type Removed struct {
	// Untagged are the names that were taken away.
	Untagged []string `json:"untagged"`
	// Images are the digests of the images and manifest lists that are gone.
	Images []string `json:"images"`
	// Bytes is how much room that made on the disk.
	Bytes int64 `json:"bytes"`
	// Kept says that the image store was in use, so that what is not needed any
	// more is still on the disk, until Prune.
	Kept bool `json:"kept"`
}

func removedOf(r *images.Removed) Removed {
	return Removed{append([]string{}, r.Untagged...), append([]string{}, r.Images...), r.Bytes, r.Kept}
}

// RemoveImages takes names away from images, and removes the images that then
// have none or that are named by digest. One that has several names, named by
// digest, is refused unless force is set; one that is part of a manifest list is
// refused always. All is done or nothing.
func (h *Host) RemoveImages(ctx context.Context, names []string, force bool) (*Removed, error) {
	store, err := h.images()
	if err != nil {
		return nil, err
	}
	done, err := store.Remove(ctx, names, force)
	if err != nil {
		return nil, imageError(err)
	}
	removed := removedOf(done)
	return &removed, nil
}
