// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Blob reads a blob of the repository. A transfer that breaks off is taken up
// where it ended, a few times; what arrives is Checked. Errors, the reader's
// too, are explained.
func (s *Session) Blob(ctx context.Context, want v1.Descriptor) (io.ReadCloser, error) {
	if _, err := ParseDigest(want.Digest.String()); err != nil {
		return nil, err
	}
	t, err := s.exchange().begin(ctx, func() (io.ReadCloser, error) {
		layer, err := s.puller.Layer(ctx, s.ref.Context().Digest(want.Digest.String()))
		if err != nil {
			return nil, err
		}
		return layer.Compressed()
	})
	if err != nil {
		return nil, err
	}
	return Checked(t, want, helpTransfer), nil
}
