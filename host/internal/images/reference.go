// SPDX-License-Identifier: Apache-2.0

package images

import (
	"errors"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Normalize is registry.Normalize for the name of an image.
func Normalize(reference string) (string, error) {
	full, err := registry.Normalize(reference)
	var e *registry.Error
	if errors.As(err, &e) && e.Reference == reference {
		e.Message = "this is not an image reference"
	}
	return full, err
}
