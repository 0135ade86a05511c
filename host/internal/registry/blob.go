// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	registrytransport "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Blob reads a blob of the repository. A transfer that breaks off is taken up
// where it ended, a few times; what arrives is Checked. Errors, the reader's
// too, are explained.
func (s *Session) Blob(ctx context.Context, want v1.Descriptor) (io.ReadCloser, error) {
	if _, err := ParseDigest(want.Digest.String()); err != nil {
		return nil, err
	}
	t, err := s.exchange().begin(ctx, func(offset int64) (io.ReadCloser, int64, error) {
		if offset > 0 {
			return s.rest(ctx, want, offset)
		}
		layer, err := s.puller.Layer(ctx, s.ref.Context().Digest(want.Digest.String()))
		if err != nil {
			return nil, 0, err
		}
		src, err := layer.Compressed()
		return src, 0, err
	})
	if err != nil {
		return nil, err
	}
	return Checked(t, want, helpTransfer), nil
}

// rest asks for a blob from a byte on, as who we are to the registry; the
// library can only ask for all of it. A token may have expired meanwhile.
func (s *Session) rest(ctx context.Context, want v1.Descriptor, offset int64) (io.ReadCloser, int64, error) {
	repo := s.ref.Context()
	auth, _, err := s.client.credentials(repo)
	if err != nil {
		return nil, 0, err
	}
	known, err := registrytransport.NewWithContext(ctx, repo.Registry, auth, s.client.transport, []string{repo.Scope(registrytransport.PullScope)})
	if err != nil {
		return nil, 0, err
	}
	u := url.URL{Scheme: repo.Scheme(), Host: repo.RegistryStr(), Path: path.Join("/v2", repo.RepositoryStr(), "blobs", want.Digest.String())}
	return get(ctx, &http.Client{Transport: known}, u.String(), part{offset, want.Size})
}
