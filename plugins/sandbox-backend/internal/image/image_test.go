// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/image"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// save writes an image layout with an image and returns its folder and the
// digest of the manifest.
func save(t *testing.T, im v1.Image) (dir, digest string) {
	t.Helper()
	dir = t.TempDir()
	path, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = path.AppendImage(im)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := im.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return dir, d.String()
}

// open opens an empty store.
func open(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.TempDir(), "boot")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// load reads an image.
func load(t *testing.T, dir, digest string, s *store.Store) *image.Image {
	t.Helper()
	im, err := image.Read(dir, digest, s)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// memoryLayer is a layer of a tar, compressed in a way.
type memoryLayer struct {
	plain, packed []byte
}

func newLayer(t *testing.T, compression string, plain []byte) memoryLayer {
	t.Helper()
	var buf bytes.Buffer
	w := compressor(t, &buf, compression)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return memoryLayer{plain, buf.Bytes()}
}

func (l memoryLayer) Digest() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.packed))
	return h, err
}
func (l memoryLayer) DiffID() (v1.Hash, error) {
	h, _, err := v1.SHA256(bytes.NewReader(l.plain))
	return h, err
}
func (l memoryLayer) Size() (int64, error) { return int64(len(l.packed)), nil }
func (l memoryLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.packed)), nil
}

func (l memoryLayer) Uncompressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.plain)), nil
}
func (l memoryLayer) MediaType() (types.MediaType, error) { return types.OCILayer, nil }

// build makes an image of layers.
func build(t *testing.T, layers ...v1.Layer) v1.Image {
	t.Helper()
	im, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layers...)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

// entry is a file for pack.
func entry(name, content string) layer.Entry {
	return layer.Entry{
		Change: tree.Change{Name: name, Node: &tree.Node{Mode: 0o644, Size: int64(len(content))}},
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

// pack makes a tar.
func pack(t *testing.T, entries ...layer.Entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	if _, err := layer.Write(&buf, entries); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// contents returns the files of an image with their bytes, folders as "/".
func contents(t *testing.T, im *image.Image) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := im.Tree.Walk(".", func(name string, n *tree.Node) error {
		switch n.Kind {
		case tree.Dir:
			out[name] = "/"
			return nil
		case tree.File:
		default:
			return fmt.Errorf("%s is of kind %d", name, n.Kind)
		}
		for _, l := range im.Layers {
			if l.Digest != n.Content.Layer {
				continue
			}
			r, err := l.Open(n)
			if err != nil {
				return err
			}
			data, err := io.ReadAll(r)
			out[name] = "=" + string(data)
			return errors.Join(err, r.Close())
		}
		return fmt.Errorf("%s is in no layer", name)
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(out, ".")
	return out
}

func TestTheSecondTimeOnlyTheIndexIsRead(t *testing.T) {
	for _, compression := range []string{"gzip", "zstd", "none"} {
		dir, digest := save(t, build(t,
			newLayer(t, compression, pack(t, entry("etc/passwd", "root:x:0:0::/:/bin/sh\n"), entry("a", "1"))),
			newLayer(t, compression, pack(t, entry("b", "2")))))
		s := open(t)
		first := load(t, dir, digest, s)
		for _, l := range first.Layers {
			info, err := os.Stat(l.Path)
			if err == nil {
				err = errors.Join(os.Chmod(l.Path, 0o600), os.WriteFile(l.Path, make([]byte, info.Size()), 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		second := load(t, dir, digest, s)
		d1, err1 := first.Tree.Digest(".")
		d2, err2 := second.Tree.Digest(".")
		if d1 != d2 || err1 != nil || err2 != nil {
			t.Errorf("%s: %s, %s, %v, %v", compression, d1, d2, err1, err2)
		}
		n, err := second.Tree.Lstat("etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		r, err := second.Layers[0].Open(n)
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(r); !strings.HasPrefix(string(data), "root:") || err != nil {
			t.Errorf("%s: etc/passwd without the layer: %q, %v", compression, data, err)
		}
	}
}

// TestNothingIsUnpacked sees what reading an image writes.
func TestNothingIsUnpacked(t *testing.T) {
	dir, digest := save(t, build(t, newLayer(t, "gzip", pack(t, entry("a", strings.Repeat("a", 1<<20))))))
	state := t.TempDir()
	s, err := store.Open(state, "boot")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	load(t, dir, digest, s)
	written := int64(0)
	err = filepath.Walk(state, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			written += info.Size()
		}
		return err
	})
	if err != nil || written > 1000 {
		t.Errorf("%d bytes for a layer with one file, %v", written, err)
	}
}

func TestManyFilesOfALayerExpandIt(t *testing.T) {
	dir, digest := save(t, build(t, newLayer(t, "gzip", pack(t, entry("a", strings.Repeat("a", 1<<20)), entry("b", "b"), entry("c", "c")))))
	s := open(t)
	im := load(t, dir, digest, s)
	contents(t, im)
	if !s.Has(im.Layers[0].Digest) {
		t.Error("the layer was decompressed again and again")
	}
	if err := s.Export(im.Layers[0].Digest, t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestReadRefuses(t *testing.T) {
	good := newLayer(t, "gzip", pack(t, entry("a", "1")))
	lying := memoryLayer{pack(t, entry("a", "2")), good.packed}
	hostile := newLayer(t, "gzip", pack(t, layer.Entry{Change: tree.Change{Op: tree.Link, Name: "x", Target: "missing"}}))
	cut := good
	cut.packed = cut.packed[:len(cut.packed)-12]
	for name, test := range map[string]struct {
		layer v1.Layer
		spoil func(t *testing.T, dir string, l v1.Layer)
		want  string
	}{
		"another diff id":     {lying, nil, "does not have the digest that it should have"},
		"a hostile layer":     {hostile, nil, `layer entry "x": hard link to "missing": there is no such file`},
		"a blob that is cut":  {cut, nil, "gzip: unexpected EOF"},
		"a missing blob":      {good, func(t *testing.T, dir string, l v1.Layer) { change(t, dir, l, nil) }, "no such file"},
		"a blob that is less": {good, func(t *testing.T, dir string, l v1.Layer) { change(t, dir, l, []byte("x")) }, "has 1 bytes, not the"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, digest := save(t, build(t, test.layer))
			if test.spoil != nil {
				test.spoil(t, dir, test.layer)
			}
			_, err := image.Read(dir, digest, open(t))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), digest) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// change replaces or removes the blob of a layer.
func change(t *testing.T, dir string, l v1.Layer, data []byte) {
	t.Helper()
	d, err := l.Digest()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "blobs", "sha256", d.Hex)
	if err = os.Remove(path); err == nil && data != nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestReadRefusesWhatIsNoImage(t *testing.T) {
	dir, digest := save(t, build(t, newLayer(t, "gzip", pack(t, entry("a", "1")))))
	blobs := filepath.Join(dir, "blobs", "sha256")
	index := []byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
	h, _, err := v1.SHA256(bytes.NewReader(index))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(blobs, h.Hex), index, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := strings.Repeat("1", 64)
	if err := os.WriteFile(filepath.Join(blobs, damaged), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for digest, want := range map[string]string{
		h.String():                             "is not the manifest of an image",
		"sha256:" + damaged:                    "is damaged",
		"sha256:" + strings.Repeat("0", 64):    "no such file",
		"../../" + digest:                      "unsupported hash",
		"sha256:../" + strings.Repeat("0", 61): "",
	} {
		if _, err := image.Read(dir, digest, open(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", digest, err, want)
		}
	}
}
