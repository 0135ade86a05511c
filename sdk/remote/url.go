// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// URLOptions of URL. The zero value fetches any content.
type URLOptions struct {
	// Checksum is the digest that the file must have, "sha256:…" or
	// "sha512:…" in lower-case hex. Empty: any.
	Checksum string
	// Name is what the file is called. Empty: as the URL ends.
	Name string
	// Patience is how long the server may send nothing. Zero: Patience.
	Patience time.Duration
	// Limit is the most bytes that it may send; more are a *TooLargeError. Zero:
	// any number.
	Limit int64
	// Progress is told how much is done. May be nil.
	Progress Progress
}

// URL fetches a file over HTTP into an empty folder. The file has the name
// that ends the URL's path, mode 0600 and the time of the server's
// Last-Modified header, or else the start of 1970. Redirections are followed;
// an answer other than 200 is a *StatusError. For another content than the
// wanted one it is a *ChecksumError. User and password of the URL are sent to its
// server, and are in no error.
func URL(ctx context.Context, source, dir string, o URLOptions) (Fetched, error) {
	name, err := fileName(source, o.Name)
	if err != nil {
		return Fetched{}, err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	patience := cmp.Or(o.Patience, Patience)
	silence := time.AfterFunc(patience, func() { stop(fmt.Errorf("the server sent nothing for %s", patience)) })
	defer silence.Stop()
	resp, err := get(ctx, source)
	if err != nil {
		return Fetched{}, err
	}
	defer resp.Body.Close()
	sum, prefix := hasher(o.Checksum)
	body := &counted{
		r: io.TeeReader(resp.Body, sum), total: max(0, resp.ContentLength), limit: o.Limit, report: o.Progress,
		heard: func() { silence.Reset(patience) },
	}
	file := filepath.Join(dir, name)
	if err := save(file, body); err != nil {
		return Fetched{}, because(ctx, err)
	}
	when := lastModified(resp.Header)
	got := Fetched{Dir: dir, Name: name, Digest: prefix + hex.EncodeToString(sum.Sum(nil)), Time: when}
	return got, errors.Join(verify(o.Checksum, got.Digest), os.Chtimes(file, when, when))
}

// StatusError says that a server answered, but not with what was asked for.
type StatusError struct {
	// Code is the HTTP status.
	Code int
	// Status is the status with its text, such as "404 Not Found".
	Status string
}

// Error says so.
func (e *StatusError) Error() string { return "the server answered " + e.Status }

// get asks for a URL.
func get(ctx context.Context, source string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, bare(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, because(ctx, bare(err))
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, &StatusError{resp.StatusCode, resp.Status}
	}
	return resp, nil
}

// because is why a transfer ended: when it was given up, the reason for that.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// bare takes the URL, which may hold secrets, out of an error.
func bare(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// hasher returns the hash that a checksum is made with, and how its digests
// begin.
func hasher(checksum string) (hash.Hash, string) {
	const sha512Prefix = "sha512:"
	if strings.HasPrefix(checksum, sha512Prefix) {
		return sha512.New(), sha512Prefix
	}
	return sha256.New(), "sha256:"
}

// fileName is what a URL calls its file, unless it is to be called otherwise.
func fileName(source, name string) (string, error) {
	u, err := url.Parse(source)
	if err != nil {
		return "", bare(err)
	}
	if name != "" {
		return name, nil
	}
	name = path.Base(u.Path)
	if name == "." || !filepath.IsLocal(name) || strings.ContainsRune(name, filepath.Separator) {
		return "", errors.New("the URL does not name a file; end it with one")
	}
	return name, nil
}

// save writes a file that only its owner may read, as Docker does.
func save(file string, r io.Reader) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func lastModified(h http.Header) time.Time {
	when, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return time.Unix(0, 0)
	}
	return when
}

// interval is the least time between two reports of progress.
const interval = 100 * time.Millisecond

// counted reports progress, and reads no more than a limit.
type counted struct {
	r                     io.Reader
	current, total, limit int64
	report                Progress
	heard                 func()
	last                  time.Time
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.current += int64(n)
	c.heard()
	if c.limit > 0 && c.current > c.limit {
		return n, &TooLargeError{c.limit}
	}
	if now := time.Now(); c.report != nil && (err != nil || now.Sub(c.last) > interval) {
		c.last = now
		c.report(c.current, c.total)
	}
	return n, err
}
