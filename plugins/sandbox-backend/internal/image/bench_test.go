// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/image"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
)

// BenchmarkRead reads a base image of 500 MB in five layers and 10,000 files:
// cold, with an empty store, and warm, with the index in it.
func BenchmarkRead(b *testing.B) {
	for _, content := range []struct {
		name string
		fill func(r *rand.ChaCha8, p []byte)
	}{
		{"random", func(r *rand.ChaCha8, p []byte) { _, _ = r.Read(p) }},
		{"text", text},
	} {
		for _, compression := range []string{"gzip", "zstd", "none"} {
			dir := b.TempDir()
			digest := base(b, dir, compression, content.fill)
			b.Run(content.name+"/"+compression+"/cold", func(b *testing.B) {
				for range b.N {
					read(b, dir, digest, b.TempDir())
				}
			})
			state := b.TempDir()
			read(b, dir, digest, state)
			b.Run(content.name+"/"+compression+"/warm", func(b *testing.B) {
				for range b.N {
					read(b, dir, digest, state)
				}
			})
		}
	}
}

// read reads the image.
func read(b *testing.B, dir, digest, state string) {
	b.Helper()
	s, err := store.Open(state, "boot")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := image.Read(dir, digest, s); err != nil {
		b.Fatal(err)
	}
}

// text fills p with something that compresses like program text: to about a
// third.
func text(r *rand.ChaCha8, p []byte) {
	words := make([]byte, 1<<16)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(words)
	for i := range words {
		words[i] = "etaoinshrdlucmfwypvbgkjqxz_().,;"[words[i]&31]
	}
	for n := 0; n < len(p); {
		x := r.Uint64()
		at := int(x&0xffff) % (len(words) - 16) / 8 * 8
		n += copy(p[n:], words[at:at+3+int(x>>16&7)])
	}
}

// base writes an image layout and returns the digest of the manifest.
func base(tb testing.TB, dir, compression string, fill func(r *rand.ChaCha8, p []byte)) string {
	tb.Helper()
	im := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	for i := range 5 {
		l := &diskLayer{dir: dir, compression: compression}
		l.write(tb, i, fill)
		var err error
		if im, err = mutate.Append(im, mutate.Addendum{Layer: l, MediaType: types.OCILayer}); err != nil {
			tb.Fatal(err)
		}
	}
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(im)
	}
	if err != nil {
		tb.Fatal(err)
	}
	d, err := im.Digest()
	if err != nil {
		tb.Fatal(err)
	}
	return d.String()
}

// diskLayer is a layer in two files.
type diskLayer struct {
	dir, compression string
	path             string
	digest, diffID   v1.Hash
	size             int64
}

func (l *diskLayer) Digest() (v1.Hash, error)            { return l.digest, nil }
func (l *diskLayer) DiffID() (v1.Hash, error)            { return l.diffID, nil }
func (l *diskLayer) Compressed() (io.ReadCloser, error)  { return os.Open(l.path) }
func (l *diskLayer) Size() (int64, error)                { return l.size, nil }
func (l *diskLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }
func (l *diskLayer) Uncompressed() (io.ReadCloser, error) {
	return nil, os.ErrInvalid // nobody needs it
}

// write writes layer i: 2,000 files of 50 KiB.
func (l *diskLayer) write(tb testing.TB, i int, fill func(r *rand.ChaCha8, p []byte)) {
	tb.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	r := rand.NewChaCha8([32]byte{byte(i)})
	content := make([]byte, 50<<10)
	for n := range 2000 {
		fill(r, content)
		name := fmt.Sprintf("usr/lib/layer%d/dir%d/file%d", i, n/50, n)
		if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			tb.Fatal(err)
		}
		if _, err := tw.Write(content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		tb.Fatal(err)
	}
	l.diffID, _, _ = v1.SHA256(bytes.NewReader(buf.Bytes()))
	var packed bytes.Buffer
	w := compressor(tb, &packed, l.compression)
	if _, err := w.Write(buf.Bytes()); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	l.digest, l.size, _ = v1.SHA256(bytes.NewReader(packed.Bytes()))
	l.path = filepath.Join(tb.TempDir(), "blob")
	if err := os.WriteFile(l.path, packed.Bytes(), 0o600); err != nil {
		tb.Fatal(err)
	}
}

// compressor compresses in a way.
func compressor(tb testing.TB, w io.Writer, compression string) io.WriteCloser {
	tb.Helper()
	switch compression {
	case "gzip":
		return gzip.NewWriter(w)
	case "zstd":
		z, err := zstd.NewWriter(w)
		if err != nil {
			tb.Fatal(err)
		}
		return z
	}
	return nopCloser{w}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
