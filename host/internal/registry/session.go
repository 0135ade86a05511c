// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Jobs is how many blobs of one image or artifact are moved at the same time.
const Jobs = 4

// retried are the answers after which the library asks again: its own list
// without 429, for which the transport waits.
var retried = []int{
	http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
	http.StatusServiceUnavailable, http.StatusGatewayTimeout, 499, 522,
}

// Session is what we are to one registry while we ask it about one reference.
type Session struct {
	client *Client
	ref    name.Reference
	// source is the auth file with our credentials. Empty when anonymous.
	source  string
	options []remote.Option
	puller  *remote.Puller
}

// Dial prepares a session. Nothing is sent yet. A malformed reference is an
// *Error of KindReference; any other error is a *CredentialsError.
func (c *Client) Dial(reference string) (*Session, error) {
	ref, err := c.Parse(reference)
	if err != nil {
		return nil, err
	}
	auth, source, err := c.credentials(ref.Context())
	if err != nil {
		return nil, err
	}
	options := []remote.Option{
		remote.WithAuth(auth),
		remote.WithTransport(c.transport),
		remote.WithUserAgent(userAgent),
		remote.WithRetryBackoff(remote.Backoff{Duration: c.options.Pause, Factor: 3, Jitter: 0.1, Steps: tries}),
		remote.WithRetryStatusCodes(retried...),
		remote.WithJobs(Jobs),
	}
	puller, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	return &Session{client: c, ref: ref, source: source, options: options, puller: puller}, nil
}

// Ref is the reference.
func (s *Session) Ref() name.Reference { return s.ref }

// At is the session for another tag or digest of the same repository. The
// error is an *Error of KindReference.
func (s *Session) At(tagOrDigest string) (*Session, error) {
	separator := ":"
	if _, err := ParseDigest(tagOrDigest); err == nil {
		separator = "@"
	}
	ref, err := s.client.Parse(s.ref.Context().Name() + separator + tagOrDigest)
	if err != nil {
		return nil, err
	}
	other := *s
	other.ref = ref
	return &other, nil
}

// Puller reads from the registry. Its errors want Explain.
func (s *Session) Puller() *remote.Puller { return s.puller }

// Options are those for writing to the registry. Errors of the library want
// Explain.
func (s *Session) Options(ctx context.Context) []remote.Option {
	return append([]remote.Option{remote.WithContext(ctx)}, s.options...)
}

// Explain turns an error of the library into an *Error for people. One that is
// for people already is returned as it is; nil too. When the context has ended,
// that is the error.
func (s *Session) Explain(ctx context.Context, err error) error {
	return s.exchange().explain(ctx, err)
}

func (s *Session) exchange() *exchange {
	return &exchange{
		client: s.client, reference: s.ref.String(), server: s.ref.Context().RegistryStr(),
		missing: "check the name and the tag", denied: s.authHelp,
	}
}
