// SPDX-License-Identifier: Apache-2.0

package remote

import (
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
	// Progress is told how much is done. May be nil.
	Progress Progress
}

// URL fetches a file over HTTP into an empty folder. The file has the name
// that ends the URL's path, mode 0600 and the time of the server's
// Last-Modified header, or else the start of 1970. Redirections are followed;
// an answer other than 200 is an error. For another content than the wanted one
// it is a *ChecksumError.
func URL(ctx context.Context, source, dir string, o URLOptions) (Fetched, error) {
	name, err := fileName(source)
	if err != nil {
		return Fetched{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return Fetched{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Fetched{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Fetched{}, fmt.Errorf("the server answered %s", resp.Status)
	}
	sum, prefix := hasher(o.Checksum)
	body := &counted{r: io.TeeReader(resp.Body, sum), total: max(0, resp.ContentLength), report: o.Progress}
	file := filepath.Join(dir, name)
	if err := save(file, body); err != nil {
		return Fetched{}, err
	}
	when := lastModified(resp.Header)
	got := Fetched{Dir: dir, Name: name, Digest: prefix + hex.EncodeToString(sum.Sum(nil)), Time: when}
	return got, errors.Join(verify(o.Checksum, got.Digest), os.Chtimes(file, when, when))
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

// fileName is what a URL calls its file.
func fileName(source string) (string, error) {
	u, err := url.Parse(source)
	if err != nil {
		return "", err
	}
	name := path.Base(u.Path)
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

// counted reports progress.
type counted struct {
	r              io.Reader
	current, total int64
	report         Progress
	last           time.Time
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.current += int64(n)
	if now := time.Now(); c.report != nil && (err != nil || now.Sub(c.last) > interval) {
		c.last = now
		c.report(c.current, c.total)
	}
	return n, err
}
