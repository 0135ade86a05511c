// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The digests of "served".
const (
	served    = "sha256:8fe88bf015b53b37b5fa84dc726cd93aacca97f601185be11f5fb74fa3d77802"
	served512 = "sha512:3f3dc3519791919ac1cac00c7b86ac056718cc60ec031d30103e76b930c6d7283333d2c99bf0cae04a3999b6670a71bcfb4e3d54548272696eb7bc17f3c799da"
)

// files serves what URL asks for.
func files(w http.ResponseWriter, q *http.Request) {
	switch q.URL.Path {
	case "/dir/file.txt":
		w.Header().Set("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT")
		w.Write([]byte("served"))
	case "/moved":
		http.Redirect(w, q, "/dir/file.txt", http.StatusFound)
	case "/short":
		w.Header().Set("Content-Length", "100")
		w.Write([]byte("not all"))
	default:
		http.NotFound(w, q)
	}
}

func TestURL(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(files))
	defer s.Close()
	for path, name := range map[string]string{"/dir/file.txt?q=1": "file.txt", "/moved": "moved"} {
		dir := t.TempDir()
		var current, total int64
		got, err := URL(context.Background(), s.URL+path, dir, URLOptions{Checksum: served, Progress: func(c, all int64) { current, total = c, all }})
		if err != nil {
			t.Fatal(err)
		}
		if got.Dir != dir || got.Name != name || got.Digest != served {
			t.Errorf("%s: got %+v", path, got)
		}
		if current != 6 || total != 6 {
			t.Errorf("%s: progress ends with %d of %d", path, current, total)
		}
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !got.Time.Equal(time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)) || !info.ModTime().Equal(got.Time) || info.Mode() != 0o600 {
			t.Errorf("%s: the file has time %v and mode %v", path, info.ModTime(), info.Mode())
		}
	}
}

func TestURLFails(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(files))
	defer s.Close()
	for path, want := range map[string]string{
		"/gone":   "404",
		"/short":  "unexpected EOF",
		"":        "does not name a file",
		"/a/..":   "does not name a file",
		"/%2E%2E": "does not name a file",
		"/%zz":    "invalid URL escape",
	} {
		dir := t.TempDir()
		got, err := URL(context.Background(), s.URL+path, dir, URLOptions{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %+v, error %v; want %q", path, got, err, want)
		}
	}
}

func TestURLWithoutTime(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	dir := t.TempDir()
	if _, err := URL(context.Background(), s.URL+"/empty", dir, URLOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "empty"))
	if err != nil || !info.ModTime().Equal(time.Unix(0, 0)) {
		t.Errorf("the file is %v, %v", info, err)
	}
}

func TestURLChecksums(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(files))
	defer s.Close()
	zero := "sha512:" + strings.Repeat("0", 128)
	for want, got := range map[string]string{served512: served512, zero: served512, served512[:40]: served512, served[:40]: served} {
		f, err := URL(context.Background(), s.URL+"/dir/file.txt", t.TempDir(), URLOptions{Checksum: want})
		var wrong *ChecksumError
		if f.Digest != got || errors.As(err, &wrong) != (want != got) {
			t.Errorf("%s: got %+v, error %v", want, f, err)
		}
		if wrong != nil && (wrong.Want != want || wrong.Got != got) {
			t.Errorf("error is %+v", wrong)
		}
	}
}

func TestNeedsAgent(t *testing.T) {
	for source, want := range map[string]bool{
		"ssh://git@example.com/r": true, "SSH://example.com/r": true, "git@example.com:r.git": true,
		"git://example.com/r": false, "https://example.com/r.git": false,
	} {
		if NeedsAgent(source) != want {
			t.Errorf("NeedsAgent(%q) is %v", source, !want)
		}
	}
}
