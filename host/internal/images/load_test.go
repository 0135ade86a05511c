// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/zlayer/zlayer/host/internal/registry"
)

func load(t *testing.T, s *Store, path string) []*Image {
	t.Helper()
	got, err := s.Load(context.Background(), path, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// labels are "name digest" of images.
func labels(list []*Image) []string {
	var all []string
	for _, img := range list {
		all = append(all, img.Reference+" "+img.Digest)
	}
	return all
}

// TestSaveAndLoad brings an image to another store in every form.
func TestSaveAndLoad(t *testing.T) {
	for _, form := range []Form{FormLayout, FormArchive, FormDocker} {
		t.Run(string(form), func(t *testing.T) {
			s, img := built(t, FormatDocker)
			path := filepath.Join(t.TempDir(), "out")
			if err := s.Save(context.Background(), img.Digest, Output{Form: form, Path: path, References: []string{"app:1", "r.example/app:2"}}); err != nil {
				t.Fatal(err)
			}
			other := openStore(t, registry.Options{})
			want := []string{"docker.io/library/app:1 " + img.Digest, "r.example/app:2 " + img.Digest}
			for range 2 { // the second time, all is there already
				if got := labels(load(t, other, path)); !slices.Equal(got, want) {
					t.Errorf("loaded %q, want %q", got, want)
				}
			}
			checkLayout(t, other.Dir(), img.Digest)
			if list, err := other.List(); err != nil || !slices.Equal(labels(list), want) {
				t.Errorf("the store has %q, %v", labels(list), err)
			}
			if form != FormLayout {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				third := openStore(t, registry.Options{})
				if got, err := third.Load(context.Background(), "", bytes.NewReader(data), nil); err != nil || !slices.Equal(labels(got), want) {
					t.Errorf("through a pipe: %q, %v", labels(got), err)
				}
				if left, _ := os.ReadDir(third.path(tempDir)); len(left) != 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

// TestLoadDockerSave loads what docker writes: several images, layers that are
// not compressed.
func TestLoadDockerSave(t *testing.T) {
	one, two := randomImage(t, "linux/amd64"), randomImage(t, "linux/arm64")
	file := filepath.Join(t.TempDir(), "save.tar")
	refs := map[name.Reference]v1.Image{mustRef(t, "one:1"): one, mustRef(t, "two:2"): two}
	if err := tarball.MultiRefWriteToFile(file, refs); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, registry.Options{})
	got := load(t, s, unpackLayers(t, file))
	if len(got) != 2 {
		t.Fatalf("loaded %q", labels(got))
	}
	for _, img := range got {
		want := map[string]v1.Image{"docker.io/library/one:1": one, "docker.io/library/two:2": two}[img.Reference]
		if h, err := want.ConfigName(); err != nil || img.manifest.Config.Digest != h {
			t.Errorf("%s has configuration %s, want %s", img.Reference, img.manifest.Config.Digest, h)
		}
		checkLayout(t, s.Dir(), img.Digest)
		if lacking, err := s.Lacking([]string{img.Layers[0].DiffID}, nil); err != nil || len(lacking) != 0 {
			t.Errorf("a layer would be packed again: %v, %v", lacking, err)
		}
	}
}

// unpackLayers is an archive whose layers are no longer compressed.
func unpackLayers(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".tar.gz") {
			content = gunzip(t, content)
		}
		h.Size = int64(len(content))
		w.WriteHeader(h)
		w.Write(content)
	}
	w.Close()
	path := filepath.Join(t.TempDir(), "plain.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// writeLayout writes an index as an OCI image layout.
func writeLayout(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	return dir
}

// listOf is a list of images for platforms, in another list.
func listOf(t *testing.T, platforms ...string) (v1.ImageIndex, map[string]v1.Image) {
	t.Helper()
	images := map[string]v1.Image{}
	inner := mutate.IndexMediaType(empty.Index, "application/vnd.oci.image.index.v1+json")
	for _, p := range platforms {
		images[p] = randomImage(t, p)
		inner = mutate.AppendManifests(inner, mutate.IndexAddendum{Add: images[p], Descriptor: v1.Descriptor{Platform: descriptorPlatform(parsePlatform(p))}})
	}
	outer := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: inner})
	return mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: outer, Descriptor: v1.Descriptor{
		Annotations: map[string]string{"io.containerd.image.name": "docker.io/library/many:1"},
	}}), images
}

func TestLoadNestedList(t *testing.T) {
	top, images := listOf(t, "linux/amd64", "linux/arm64")
	s := openStore(t, registry.Options{})
	got := load(t, s, writeLayout(t, top))
	if len(got) != 1 || len(got[0].Images) != 2 || got[0].Reference != "docker.io/library/many:1" {
		t.Fatalf("loaded %q of %d images", labels(got), len(got[0].Images))
	}
	for p, want := range images {
		img, err := s.Resolve(context.Background(), Request{Reference: "many:1", Platform: parsePlatform(p), Policy: PolicyNever})
		if err != nil || img.Digest != digestOf(t, want) {
			t.Errorf("%s: %v, %v", p, img, err)
		}
	}
	if list, err := s.List(); err != nil || len(list) != 1 {
		t.Errorf("the store lists %q, %v", labels(list), err)
	}
}

// TestLoadPartOfAList loads what docker saves of a list whose other images it
// never pulled.
func TestLoadPartOfAList(t *testing.T) {
	top, images := listOf(t, "linux/amd64", "linux/arm64")
	dir := writeLayout(t, top)
	layers, err := images["linux/arm64"].Layers()
	if err != nil {
		t.Fatal(err)
	}
	h, _ := layers[0].Digest()
	if err := os.Remove(filepath.Join(dir, "blobs", "sha256", h.Hex)); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, registry.Options{})
	got := load(t, s, dir)
	if want := []string{"docker.io/library/many:1 " + digestOf(t, images["linux/amd64"])}; !slices.Equal(labels(got), want) {
		t.Errorf("loaded %q, want %q", labels(got), want)
	}
}

// TestLoadBroken loads archives that are not right: nothing is listed.
func TestLoadBroken(t *testing.T) {
	good, img := built(t, FormatOCI)
	layoutTar := saved(t, good, img, FormArchive)
	dockerTar := saved(t, good, img, FormDocker)
	layer := strings.TrimPrefix(img.Layers[0].Digest, "sha256:")
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"half of it", layoutTar[:len(layoutTar)/2], "damaged"},
		{"no archive", []byte("hello"), "not a tar"},
		{"a blob is missing", without(t, layoutTar, "blobs/sha256/"+layer), "not exist"},
		{"a layer is missing", without(t, dockerTar, layer+".tar.gz"), "not exist"},
		{"a blob is another one", swap(t, layoutTar, "blobs/sha256/"+layer, nil), "damaged"},
		{"a layer is another one", swap(t, dockerTar, layer+".tar.gz", zipped(t, tarOf(t, 1, "other"))), "another content"},
		{"a layer is no tar", swap(t, dockerTar, layer+".tar.gz", []byte("x")), "another content"},
		{"layers do not agree", swap(t, dockerTar, "manifest.json", []byte(fmt.Sprintf(`[{"Config":"%s.json"}]`, img.manifest.Config.Digest.Hex))), "lists 0"},
		{"a name is no name", swap(t, dockerTar, "manifest.json", []byte(`[{"Config":"x","RepoTags":["A B"]}]`)), "not an image reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openStore(t, registry.Options{})
			_, err := s.Load(context.Background(), "", bytes.NewReader(tt.data), nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v does not say %q", err, tt.want)
			}
			if list, err := s.List(); err != nil || len(list) != 0 {
				t.Errorf("listed: %v, %v", list, err)
			}
			if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	_, err := openStore(t, registry.Options{}).Load(context.Background(), "/no/such.tar", nil, nil)
	wantKind(t, err, KindArchive, "no such file")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := openStore(t, registry.Options{}).Load(ctx, "", bytes.NewReader(layoutTar), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func saved(t *testing.T, s *Store, img *Image, form Form) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.tar")
	if err := s.Save(context.Background(), img.Digest, Output{Form: form, Path: path, References: []string{"app:1"}}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// without is a tar without one file.
func without(t *testing.T, data []byte, name string) []byte {
	return edit(t, data, name, func([]byte) ([]byte, bool) { return nil, false })
}

// swap is a tar with another content of one file; nil is its own content with
// one bit changed.
func swap(t *testing.T, data []byte, name string, content []byte) []byte {
	return edit(t, data, name, func(old []byte) ([]byte, bool) {
		if content == nil {
			old[len(old)/2] ^= 1
			return old, true
		}
		return content, true
	})
}

func edit(t *testing.T, data []byte, name string, change func([]byte) ([]byte, bool)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	found := false
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		content, _ := io.ReadAll(r)
		keep := true
		if h.Name == name {
			found = true
			content, keep = change(content)
		}
		if keep {
			h.Size = int64(len(content))
			w.WriteHeader(h)
			w.Write(content)
		}
	}
	w.Close()
	if !found {
		t.Fatalf("the tar has no %s", name)
	}
	return out.Bytes()
}

func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
