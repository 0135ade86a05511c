// SPDX-License-Identifier: Apache-2.0

// Package artifact is plugins as OCI artifacts: the same release in a
// registry, in a folder, or in an archive.
//
// An artifact is an OCI image manifest of Type. Its configuration is the bytes
// of zlayer-plugin.json, and it has one layer for each file of the plugin, as it
// is: the digests in zlayer-plugin.json are those of the layers. So a client
// reads two small documents, and then only the files of its platform.
// Signatures are manifests that refer to it, as cosign writes them.
//
// All that arrives is checked: documents when they are read, files while they
// are. Errors that the user can do something about are *registry.Error.
package artifact

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// The media types of an artifact.
const (
	// Type is the type of the artifact.
	Type = "application/vnd.zlayer.plugin.v1+json"
	// ManifestType is that of its configuration, a zlayer-plugin.json.
	ManifestType = "application/vnd.zlayer.plugin.manifest.v1+json"
	// BundleType is the type of a signature's artifact, and of its one layer.
	BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

	wasmType = "application/wasm"
	fileType = "application/octet-stream"
)

// Artifact is one release of a plugin: its documents, and where its files are.
// Each file of its manifest has a layer, and there is no other layer.
type Artifact struct {
	document
	manifest *manifest.Manifest
}

// Raw is the OCI manifest.
func (a *Artifact) Raw() []byte { return a.raw }

// Digest is the digest of the OCI manifest, "sha256:…": what signatures refer
// to, and what a reference to a registry can pin.
func (a *Artifact) Digest() string { return digestOf(a.raw).String() }

// Plugin is zlayer-plugin.json, byte for byte.
func (a *Artifact) Plugin() []byte { return a.config }

// Release is the digest of zlayer-plugin.json, "sha256:…": the identity of the
// release, wherever it is.
func (a *Artifact) Release() string { return a.oci.Config.Digest.String() }

// Manifest is zlayer-plugin.json, parsed and valid. It must not be changed.
func (a *Artifact) Manifest() *manifest.Manifest { return a.manifest }

// Size is the size in bytes of the file with a digest; 0 when there is none.
func (a *Artifact) Size(digest string) int64 {
	d, _ := a.layer(digest)
	return d.Size
}

// Open reads the file with a digest of the manifest. When what arrives is not
// that file, the reader ends with a *registry.Error of KindDamaged in place of
// io.EOF; nothing of what was read before may be used then.
func (a *Artifact) Open(ctx context.Context, digest string) (io.ReadCloser, error) {
	d, ok := a.layer(digest)
	if !ok {
		return nil, &registry.Error{Kind: registry.KindNotFound, Reference: digest, Message: a.manifest.ID + " has no file with this digest"}
	}
	return a.open(ctx, d)
}

func (a *Artifact) layer(digest string) (v1.Descriptor, bool) {
	for _, d := range a.oci.Layers {
		if d.Digest.String() == digest {
			return d, true
		}
	}
	return v1.Descriptor{}, false
}
