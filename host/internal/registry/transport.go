// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var (
	// errStalled is why a transfer is given up.
	errStalled = errors.New("the connection stood still")
	// errPlainHTTP is why a request is not made.
	errPlainHTTP = errors.New("plain http is refused for this registry")
)

// transport carries every request of a client. It refuses http, so that
// credentials and content cross a network in the open only where the user said
// so; it checks certificates, except of registries listed as insecure; and it
// gives up on a connection that stands still.
type transport struct {
	options Options
	// checked and unchecked differ in whether they check certificates.
	checked, unchecked http.RoundTripper
}

func newTransport(o Options) *transport {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = o.Stall
	unchecked := base.Clone()
	unchecked.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // only for registries the user listed
	return &transport{options: o, checked: base, unchecked: unchecked}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	next, host := t.checked, r.URL.Host
	if t.options.insecure(host) {
		next = t.unchecked
	} else if r.URL.Scheme != "https" && !loopback(host) {
		return nil, fmt.Errorf("%w: %s", errPlainHTTP, host)
	}
	ctx, cancel := context.WithCancelCause(r.Context())
	r = r.WithContext(ctx)
	if err := anew(r); err != nil {
		cancel(nil)
		return nil, err
	}
	if r.Body != nil {
		r.Body = watch(ctx, r.Body, t.options.Stall, cancel)
	}
	resp, err := next.RoundTrip(r)
	if err != nil {
		err = stalled(ctx, err)
		cancel(nil)
		return nil, err
	}
	body := watch(ctx, resp.Body, t.options.Stall, cancel)
	body.closed = func() { cancel(nil) }
	resp.Body = body
	return resp, nil
}

// anew gives a request its body from the start: the library sends a request a
// second time, with the rest of its body, when a token has expired.
func anew(r *http.Request) error {
	if r.Body == nil || r.GetBody == nil {
		return nil
	}
	body, err := r.GetBody()
	if err != nil {
		return err
	}
	r.Body.Close()
	r.Body = body
	return nil
}

// stalled returns errStalled where that is the cause.
func stalled(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, io.EOF) && errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// watched is a body that ends its request when it stands still.
type watched struct {
	io.ReadCloser
	ctx    context.Context
	timer  *time.Timer
	limit  time.Duration
	closed func()
}

func watch(ctx context.Context, body io.ReadCloser, limit time.Duration, cancel context.CancelCauseFunc) *watched {
	w := &watched{ReadCloser: body, ctx: ctx, limit: limit}
	w.timer = time.AfterFunc(limit, func() { cancel(errStalled) })
	return w
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(w.limit)
	n, err := w.ReadCloser.Read(p)
	if err != nil {
		w.timer.Stop()
	}
	return n, stalled(w.ctx, err)
}

// Close implements io.Closer.
func (w *watched) Close() error {
	w.timer.Stop()
	if w.closed != nil {
		defer w.closed()
	}
	return w.ReadCloser.Close()
}
