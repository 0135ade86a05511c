// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"strings"
)

// Repository holds the releases of one plugin, with their signatures.
type Repository interface {
	// Tags lists the tags, in no order. A repository that does not exist is a
	// *registry.Error of KindNotFound.
	Tags(ctx context.Context) ([]string, error)
	// Get reads the documents of the release with a tag or a digest.
	Get(ctx context.Context, tagOrDigest string) (*Artifact, error)
	// Bundles reads the sigstore bundles that refer to the artifact with a
	// digest, as they are: nothing is verified. None is no error.
	Bundles(ctx context.Context, digest string) ([][]byte, error)
	// Put writes an artifact with all its files and gives it a tag, which
	// another one may have had.
	Put(ctx context.Context, a *Artifact, tag string) error
	// PutBundle adds a sigstore bundle that refers to the artifact with a
	// digest, which is there. One that is there already is not added again.
	PutBundle(ctx context.Context, digest string, bundle []byte) error
}

// Tag is the tag of a version. A tag may not have the "+" of a version's build
// metadata, so it is written "_", which no version has.
func Tag(version string) string { return strings.ReplaceAll(version, "+", "_") }

// Version is the version that a tag of Tag means.
func Version(tag string) string { return strings.ReplaceAll(tag, "_", "+") }
