// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// openStore opens a store that does not wait long between tries.
func openStore(t *testing.T, options registry.Options) *Store {
	t.Helper()
	if options.AuthFiles == nil {
		options.AuthFiles = []string{}
	}
	options.Pause = time.Millisecond
	s, err := Open(filepath.Join(t.TempDir(), "store"), registry.New(options))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve starts a registry on loopback; wrap may put something before it.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) (host string) {
	t.Helper()
	h := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func mustRef(t *testing.T, s string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// randomImage is an image of two layers for a platform, "os/arch[/variant]".
func randomImage(t *testing.T, platform string) v1.Image {
	t.Helper()
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	f, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	p := parsePlatform(platform)
	f.OS, f.Architecture, f.Variant = p.Os, p.Architecture, p.Variant
	f.Config.Env = []string{"FROM=" + platform}
	if img, err = mutate.ConfigFile(img, f); err != nil {
		t.Fatal(err)
	}
	return img
}

func parsePlatform(s string) *irv1.Platform {
	parts := append(strings.Split(s, "/"), "", "")
	return &irv1.Platform{Os: parts[0], Architecture: parts[1], Variant: parts[2]}
}

func digestOf(t *testing.T, x interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := x.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func write(t *testing.T, ref string, img v1.Image) {
	t.Helper()
	if err := remote.Write(mustRef(t, ref), img); err != nil {
		t.Fatal(err)
	}
}

func amd64() *irv1.Platform { return parsePlatform("linux/amd64") }

// wantKind checks the class of an error and that its text has some words.
func wantKind(t *testing.T, err error, kind Kind, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error is %v, want one of kind %d", err, kind)
	}
	for _, w := range words {
		if text := e.Error() + " " + e.Help; !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
}

// wantRegistry is wantKind for what is about a registry.
func wantRegistry(t *testing.T, err error, kind registry.Kind, words ...string) {
	t.Helper()
	var e *registry.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error is %v, want one of kind %d", err, kind)
	}
	for _, w := range words {
		if text := e.Error() + " " + e.Help; !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
}

// tarOf makes a layer of files, "name" or "name@mtime".
func tarOf(t *testing.T, mtime int64, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, n := range names {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: n, Mode: 0o644, Size: int64(len(n)), ModTime: time.Unix(mtime, 0), Uname: "joe"}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// export does what a backend does: it writes layers into a folder and says
// which step made them.
func export(t *testing.T, dir string, stage, step uint32, data []byte) *backendv1.Blob {
	t.Helper()
	h, n, err := v1.SHA256(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, h.Hex), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return &backendv1.Blob{Digest: h.String(), Size: n, Ref: &backendv1.StepRef{Stage: stage, Step: step}}
}

func resolve(t *testing.T, s *Store, ref string, policy Policy) *Image {
	t.Helper()
	img, err := s.Resolve(context.Background(), Request{Reference: ref, Platform: amd64(), Policy: policy})
	if err != nil {
		t.Fatal(err)
	}
	return img
}
