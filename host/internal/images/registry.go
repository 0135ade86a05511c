// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	remoteerr "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// userAgent names us to registries.
const userAgent = "zlayer"

// jobs is how many blobs of one image are moved at the same time.
const jobs = 4

// session is what we are to one registry while we ask it about one reference.
type session struct {
	store *Store
	ref   name.Reference
	// source is the auth file with our credentials. Empty when anonymous.
	source  string
	options []remote.Option
}

// dial prepares a session. Nothing is sent yet.
func (s *Store) dial(reference string) (*session, error) {
	ref, err := s.parseRemote(reference)
	if err != nil {
		return nil, err
	}
	auth, source, err := s.credentials(ref.Context())
	if err != nil {
		return nil, err
	}
	return &session{store: s, ref: ref, source: source, options: []remote.Option{
		remote.WithAuth(auth),
		remote.WithTransport(s.transport),
		remote.WithUserAgent(userAgent),
		remote.WithRetryBackoff(s.backoff),
		remote.WithJobs(jobs),
	}}, nil
}

// explain turns an error of the library into one for people.
func (n *session) explain(ctx context.Context, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("image %q: %w", n.ref, context.Cause(ctx))
	}
	e := &Error{Reference: n.ref.String(), Err: err}
	var answer *remoteerr.Error
	var cert *tls.CertificateVerificationError
	if errors.As(err, &answer) && !errors.As(err, &cert) {
		n.explainAnswer(e, answer)
	} else {
		n.explainSilence(e, err)
	}
	return e
}

// explainAnswer is for a registry that answered, but not as hoped.
func (n *session) explainAnswer(e *Error, answer *remoteerr.Error) {
	registry := n.ref.Context().RegistryStr()
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound:
		e.Kind, e.Message = KindNotFound, registry+" has no such image"
		e.Help = "check the name and the tag"
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Kind, e.Message, e.Help = KindDenied, registry+" refused access", n.authHelp()
	case code == http.StatusTooManyRequests:
		e.Kind, e.Message = KindUnreachable, registry+" refuses more requests for now"
		e.Help = "wait a while, or log in to the registry for a higher limit"
	default:
		e.Kind, e.Message = KindUnreachable, fmt.Sprintf("%s answered with status %d", registry, code)
		e.Help = "try again later"
	}
}

func (n *session) authHelp() string {
	if n.source != "" {
		return fmt.Sprintf("the credentials in %s were used: log in again, and check that the image exists and that you may read or write it", n.source)
	}
	return fmt.Sprintf("no credentials for it were found (looked at %s): log in with docker, podman or another tool that writes one of these files, and check that the image exists",
		strings.Join(n.store.options.AuthFiles, ", "))
}

// explainSilence is for a registry that did not answer.
func (n *session) explainSilence(e *Error, err error) {
	registry := n.ref.Context().RegistryStr()
	e.Kind, e.Message = KindUnreachable, registry+" does not answer"
	e.Help = "check the network and the name of the registry; --pull never uses only what is stored"
	var cert *tls.CertificateVerificationError
	switch text := err.Error(); {
	case errors.Is(err, errStalled) || strings.Contains(text, "timeout awaiting response headers"):
		e.Message = fmt.Sprintf("%s sent nothing for %s", registry, n.store.options.Stall)
	case errors.As(err, &cert):
		e.Message = "the certificate of " + registry + " is not trusted"
		e.Help = "install the authority that signed it, or list the registry as insecure"
	case errors.Is(err, errPlainHTTP), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		e.Message = registry + " is only reachable over plain http, which is refused"
		e.Help = "list the registry as insecure when you trust the network in between"
	case strings.Contains(text, "does not match requested digest"):
		e.Kind, e.Message = KindDamaged, registry+" sent something else than was asked for"
		e.Help = "try again; when it happens again, the registry or a proxy on the way is broken"
	}
}
