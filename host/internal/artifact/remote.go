// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// maxPages bounds how many pages of tags are read.
const maxPages = 100

// remoteRepository is a repository of a registry.
type remoteRepository struct{ session *registry.Session }

// Registry is a repository of a registry, "registry/repository". Nothing is
// sent yet. The error is that of registry.Client.Dial.
func Registry(client *registry.Client, repository string) (Repository, error) {
	session, err := client.Dial(repository)
	if err != nil {
		return nil, err
	}
	return &remoteRepository{session: session}, nil
}

// referrerTag is a tag that holds signatures and the like of another artifact,
// where a registry does not support referrers.
var referrerTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}`)

// Tags implements Repository.
func (r *remoteRepository) Tags(ctx context.Context) ([]string, error) {
	lister, err := r.session.Puller().Lister(ctx, r.session.Ref().Context())
	if err != nil {
		return nil, r.session.Explain(ctx, err)
	}
	var tags []string
	for page := 0; lister.HasNext(); page++ {
		if page == maxPages {
			return nil, unusable(r.session.Ref().Context().Name(), fmt.Errorf("its list of tags has more than %d pages", maxPages))
		}
		next, err := lister.Next(ctx)
		if err != nil {
			return nil, r.session.Explain(ctx, err)
		}
		tags = append(tags, next.Tags...)
	}
	return slices.DeleteFunc(tags, referrerTag.MatchString), nil
}

// Get implements Repository.
func (r *remoteRepository) Get(ctx context.Context, tagOrDigest string) (*Artifact, error) {
	at, err := r.session.At(tagOrDigest)
	if err != nil {
		return nil, err
	}
	got, err := at.Puller().Get(ctx, at.Ref())
	if err != nil {
		return nil, at.Explain(ctx, err)
	}
	return received(ctx, at.Ref().String(), got.Manifest, got.MediaType, at.Blob)
}

// Bundles implements Repository.
func (r *remoteRepository) Bundles(ctx context.Context, digest string) ([][]byte, error) {
	subject, err := registry.ParseDigest(digest)
	if err != nil {
		return nil, err
	}
	index, err := remote.Referrers(r.digest(subject), r.session.Options(ctx)...)
	if err != nil {
		return nil, r.session.Explain(ctx, err)
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, unusable(digest, fmt.Errorf("the list of its signatures is malformed: %w", err))
	}
	return bundles(ctx, subject, list.Manifests, func(ctx context.Context, d v1.Descriptor) ([]byte, error) {
		got, err := r.session.Puller().Get(ctx, r.digest(d.Digest))
		if err != nil {
			return nil, r.session.Explain(ctx, err)
		}
		return got.Manifest, nil
	}, r.session.Blob)
}

func (r *remoteRepository) digest(h v1.Hash) name.Digest {
	return r.session.Ref().Context().Digest(h.String())
}

// Put implements Repository.
func (r *remoteRepository) Put(ctx context.Context, a *Artifact, tag string) error {
	return r.write(ctx, &a.document, tag)
}

// PutBundle implements Repository.
func (r *remoteRepository) PutBundle(ctx context.Context, digest string, bundle []byte) error {
	if err := checkBundle(digest, bundle); err != nil {
		return err
	}
	at, err := r.session.At(digest)
	if err != nil {
		return err
	}
	subject, err := at.Puller().Get(ctx, at.Ref())
	if err != nil {
		return at.Explain(ctx, err)
	}
	doc, err := refer(subject.Descriptor, bundle)
	if err != nil {
		return err
	}
	return r.write(ctx, doc, doc.descriptor().Digest.String())
}

// write sends the blobs of a document and then its manifest.
func (r *remoteRepository) write(ctx context.Context, doc *document, tagOrDigest string) error {
	at, err := r.session.At(tagOrDigest)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	img, err := partial.CompressedToImage(&upload{document: doc, ctx: ctx, cancel: cancel})
	if err != nil {
		return err
	}
	return at.Explain(ctx, remote.Write(at.Ref(), img, at.Options(ctx)...))
}
