// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	remoteerr "github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// exchange is what an error is about: what a server was asked for.
type exchange struct {
	client            *Client
	reference, server string
	// missing and denied say what to do when the server does not have it, or
	// refuses access.
	missing string
	denied  func() string
}

// explain turns an error into one for people.
func (x *exchange) explain(ctx context.Context, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%q: %w", x.reference, context.Cause(ctx))
	}
	e := &Error{Reference: x.reference, Err: err}
	var answer *remoteerr.Error
	var cert *tls.CertificateVerificationError
	if errors.As(err, &answer) && !errors.As(err, &cert) {
		e.Err = said(answer)
		x.explainAnswer(e, answer.StatusCode)
	} else {
		x.explainSilence(e, err)
	}
	return e
}

// explainAnswer is for a server that answered, but not as hoped.
func (x *exchange) explainAnswer(e *Error, code int) {
	switch code {
	case http.StatusNotFound:
		e.Kind, e.Message = KindNotFound, x.server+" has nothing by this name"
		e.Help = x.missing
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind, e.Message, e.Help = KindDenied, x.server+" refused access", x.denied()
	case http.StatusTooManyRequests:
		e.Kind, e.Message = KindUnreachable, x.server+" refuses more requests for now"
		e.Help = "wait a while, or log in to the registry for a higher limit"
	default:
		e.Kind, e.Message = KindUnreachable, fmt.Sprintf("%s answered with status %d", x.server, code)
		e.Help = "try again later"
	}
}

// said is what a server says itself, which may be nothing. What request it
// answered helps nobody.
func said(answer *remoteerr.Error) error {
	const most = 300
	var texts []string
	for _, d := range answer.Errors {
		if d.Message != "" {
			texts = append(texts, d.Message)
		}
	}
	if len(texts) == 0 {
		return nil
	}
	return fmt.Errorf("it says %.*q", most, strings.Join(texts, "; "))
}

// explainSilence is for a server that did not answer.
func (x *exchange) explainSilence(e *Error, err error) {
	e.Kind, e.Message = KindUnreachable, x.server+" does not answer"
	e.Help = "check the network and the name of the registry"
	var cert *tls.CertificateVerificationError
	var syntax *json.SyntaxError
	switch text := err.Error(); {
	case errors.Is(err, errStalled) || strings.Contains(text, "timeout awaiting response headers"):
		e.Message = fmt.Sprintf("%s sent nothing for %s", x.server, x.client.options.Stall)
	case errors.As(err, &cert):
		e.Message = "the certificate of " + x.server + " is not trusted"
		e.Help = "install the authority that signed it, or list the registry as insecure"
	case errors.Is(err, errPlainHTTP), strings.Contains(text, "server gave HTTP response to HTTPS client"):
		e.Message, e.Err = x.server+" is only reachable over plain http, which is refused", nil
		e.Help = "list the registry as insecure when you trust the network in between"
	case strings.Contains(text, "does not match requested digest"):
		e.Kind, e.Message = KindDamaged, x.server+" sent something else than was asked for"
		e.Help = helpTransfer
	case errors.As(err, &syntax):
		e.Message = x.server + " sent something that no registry sends"
		e.Help = "check the name of the registry, and that no proxy or login page is in between"
	case errors.Is(err, errBrokeOff):
		e.Message, e.Err = "the connection to "+x.server+" broke off again and again", nil
		e.Help = "check the network, and try again"
	}
}

func (s *Session) authHelp() string {
	if s.source != "" {
		return fmt.Sprintf("the credentials in %s were used: log in again with zlayer login, and check that it exists and that you may read or write it", s.source)
	}
	return fmt.Sprintf("no credentials for it were found (looked at %s): log in with zlayer login, docker or podman, and check that it exists",
		strings.Join(s.client.options.AuthFiles, ", "))
}
