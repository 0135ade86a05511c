// SPDX-License-Identifier: Apache-2.0

// Package fetch gets the sources of ADD that are not files: URLs and git
// repositories.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"
)

// Got is what was fetched.
type Got struct {
	// Dir is the folder that it is in.
	Dir string
	// Name is the name of the file in the folder; empty when the folder itself
	// was fetched.
	Name string
	// Digest identifies the content: "sha256:…" of a file, the commit of a
	// repository.
	Digest string
}

// Progress is told how much of a transfer is done; a total of 0 is unknown.
type Progress func(current, total int64)

// URL fetches a file over HTTP into an empty folder.
func URL(ctx context.Context, source, dir string, progress Progress) (Got, error) {
	name, err := fileName(source)
	if err != nil {
		return Got{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return Got{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return Got{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Got{}, fmt.Errorf("the server answered %s", resp.Status)
	}
	sum := sha256.New()
	body := &counted{r: io.TeeReader(resp.Body, sum), total: max(0, resp.ContentLength), report: progress}
	file := filepath.Join(dir, name)
	if err := save(file, body); err != nil {
		return Got{}, err
	}
	when := lastModified(resp.Header)
	return Got{dir, name, "sha256:" + hex.EncodeToString(sum.Sum(nil))}, os.Chtimes(file, when, when)
}

// fileName is what a URL calls its file.
func fileName(source string) (string, error) {
	u, err := url.Parse(source)
	if err != nil {
		return "", err
	}
	name := path.Base(u.Path)
	if name == "." || name == "/" || name == ".." {
		return "", fmt.Errorf("the URL does not name a file; end it with one")
	}
	return name, nil
}

// save writes a file that only its owner may read, as Docker does.
func save(file string, r io.Reader) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func lastModified(h http.Header) time.Time {
	when, err := http.ParseTime(h.Get("Last-Modified"))
	if err != nil {
		return time.Unix(0, 0)
	}
	return when
}

// counted reports progress at most ten times a second.
type counted struct {
	r              io.Reader
	current, total int64
	report         Progress
	last           time.Time
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.current += int64(n)
	if now := time.Now(); err != nil || now.Sub(c.last) > 100*time.Millisecond {
		c.last = now
		c.report(c.current, c.total)
	}
	return n, err
}
