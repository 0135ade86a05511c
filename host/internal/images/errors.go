// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// Kind classifies an Error.
type Kind int

// The kinds.
const (
	// KindReference is a reference that does not fit what is asked.
	KindReference Kind = iota + 1
	// KindNotFound is an image that the store does not have.
	KindNotFound
	// KindNotLocal is an image that the store does not have while the policy
	// forbids asking a registry.
	KindNotLocal
	// KindPlatform is an image that does not exist for the platform.
	KindPlatform
	// KindDamaged is a blob of the store that does not have its digest.
	KindDamaged
	// KindUnsupported is an image that zlayer cannot use.
	KindUnsupported
	// KindArtifact is a blob that a backend made and that is not what it says.
	KindArtifact
	// KindBusy is a store that another process uses.
	KindBusy
	// KindInUse is an image that something else needs, or that has more names.
	KindInUse
	// KindArchive is an archive or folder that images cannot be read from.
	KindArchive
)

// Error is an error the user can do something about. What is about references
// and registries is a *registry.Error.
type Error struct {
	// Kind is its class.
	Kind Kind
	// Reference is the image, as the user named it or by digest. Empty when it is
	// about none.
	Reference string
	// Message is one sentence: what happened.
	Message string
	// Help is one sentence: what to do. May be empty.
	Help string
	// Err is the cause. May be nil.
	Err error
}

// Error returns the reference, the message and the cause.
func (e *Error) Error() string {
	text := e.Message
	if e.Reference != "" {
		text = fmt.Sprintf("image %q: %s", e.Reference, text)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// artifactError says what is wrong with a blob of a backend.
func artifactError(digest, message string, err error) error {
	return &Error{Kind: KindArtifact, Reference: digest, Message: message, Err: err}
}

// artifactDigest parses the digest that a backend gave a blob.
func artifactDigest(digest string) (v1.Hash, error) {
	h, err := registry.ParseDigest(digest)
	if err != nil {
		return h, artifactError(digest, "this is not a SHA-256 digest", nil)
	}
	return h, nil
}
