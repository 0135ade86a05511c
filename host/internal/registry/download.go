// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// HTTP returns an http client whose requests travel as those to registries do.
// It sends no credentials.
func (c *Client) HTTP() *http.Client { return &http.Client{Transport: c.transport} }

// Download reads what a URL leads to, and takes a transfer that breaks off up
// where it ended, a few times. Errors, the reader's too, are *Error; none shows
// a user, a password or a query of the URL.
func (c *Client) Download(ctx context.Context, rawURL string) (io.ReadCloser, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" {
		return nil, &Error{Kind: KindReference, Message: "this is not a URL", Help: `write it as "https://host/path"`}
	}
	x := &exchange{
		client: c, reference: shown(u), server: u.Host, missing: "check the URL",
		denied: func() string {
			return "no credentials are sent with a download: get the file with another tool, and name the file"
		},
	}
	return x.begin(ctx, func(offset int64) (io.ReadCloser, int64, error) {
		return get(ctx, c.HTTP(), rawURL, part{offset: offset})
	})
}

// shown is a URL without what may be secret in it.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// bare takes the URL, which may hold secrets, out of an error.
func bare(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
