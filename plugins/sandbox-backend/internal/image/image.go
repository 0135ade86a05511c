// SPDX-License-Identifier: Apache-2.0

// Package image reads base images.
package image

import (
	"errors"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

var errSoon = errors.New("not written yet")

// Image is a base image.
type Image struct {
	// Layers are its layers, the lowest first.
	Layers []layer.Source
	// Tree is what they add up to.
	Tree *tree.Tree
}

// Read reads the image of a manifest in an OCI image layout.
func Read(layout, digest string, s *store.Store) (*Image, error) { return nil, errSoon }
