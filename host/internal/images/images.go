// SPDX-License-Identifier: Apache-2.0

// Package images is the host's image store: images belong to the host, not to
// backends.
//
// A Store is one folder, an OCI image layout (image-spec, image-layout.md).
// Blobs are named by their digest and checked when they are written and when
// they are read; index.json lists every image of the store, with its
// reference. Resolve finds the image a reference means, in the store or in a
// registry. Assemble makes an image of a base and the layers a backend built.
// Tag, List, Push and Save do the rest.
//
// Several processes may use one folder at once. A blob appears whole or not at
// all, and index.json is replaced under a lock, so a crash or a full disk
// leaves the store as it was.
//
// References follow Docker's rule: "debian" is docker.io/library/debian:latest,
// for images made here too.
package images

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Image is one image, one wasm artifact or one manifest list of a store. Its
// blobs were all in the store when it was returned.
type Image struct {
	// Reference is the normalised name it was found by. Empty when it has none.
	Reference string
	// Digest is the digest of its manifest, "sha256:…".
	Digest string
	// MediaType is the media type of its manifest.
	MediaType string
	// Platform is what it runs on, as its configuration says.
	Platform *irv1.Platform
	// Created is when it was made. Zero when its configuration does not say.
	Created time.Time
	// Size is the number of bytes of its manifest, configuration and layers.
	Size int64
	// Config is its configuration. Nil for a wasm artifact.
	Config *irv1.ImageConfig
	// RawConfig is the configuration file, as stored.
	RawConfig []byte
	// Layers are its layers, lowest first.
	Layers []Layer
	// History is how it was made, as its configuration says, oldest first.
	History []Step
	// Images are the images of a manifest list, which has no platform,
	// configuration and layers of its own. Nil for one image.
	Images []*Image
	// Unchecked says why the registry could not be asked whether there is a
	// newer image, under PolicyNewer. Nil otherwise.
	Unchecked error

	manifest *v1.Manifest
	size     int64 // of the manifest
}

// ConfigDigest returns the digest of its configuration. Empty for a manifest
// list.
func (i *Image) ConfigDigest() string {
	if i.manifest == nil {
		return ""
	}
	return i.manifest.Config.Digest.String()
}

// ManifestSize returns the number of bytes of its manifest.
func (i *Image) ManifestSize() int64 { return i.size }

// Layer is one layer of an Image.
type Layer struct {
	// Digest is the digest of the blob, "sha256:…".
	Digest string
	// DiffID is the digest of the uncompressed tar. Empty for a wasm artifact.
	DiffID string
	// MediaType is the media type of the blob.
	MediaType string
	// Size is the size of the blob in bytes.
	Size int64
}

// Step is an entry of an image's history.
type Step struct {
	// Created is when it was made. Zero when it does not say.
	Created time.Time
	// CreatedBy is what made it, such as a line of a build file.
	CreatedBy string
	// Comment is what else it says.
	Comment string
	// Layer is the index of the layer it made; -1 when it made none.
	Layer int
}

// Policy says when Resolve asks a registry.
type Policy string

// The policies.
const (
	// PolicyMissing asks when the store has no such image. It is the default.
	PolicyMissing Policy = "missing"
	// PolicyNewer asks whether a pulled image has changed, and keeps the
	// stored one when the registry does not answer. It does not ask about a
	// reference that was tagged here.
	PolicyNewer Policy = "newer"
	// PolicyAlways always asks. Only a reference by digest that the store has
	// is not asked about: it cannot change.
	PolicyAlways Policy = "always"
	// PolicyNever never asks.
	PolicyNever Policy = "never"
)

// Format is the kind of manifest that Assemble writes.
type Format string

// The formats.
const (
	// FormatOCI is the OCI image manifest. It is the default. HEALTHCHECK,
	// ONBUILD and SHELL are kept, as Docker's extra fields of the
	// configuration.
	FormatOCI Format = "oci"
	// FormatDocker is Docker's image manifest, version 2, schema 2.
	FormatDocker Format = "docker"
)

// Progress reports bytes of a transfer; the name is the digest of the blob.
// Calls come one at a time, at most about ten a second for each blob, and a
// last one when the blob is done. A nil Progress is not called.
type Progress func(name string, current, total int64)
