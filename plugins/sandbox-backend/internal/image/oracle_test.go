// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// extracted returns what go-containerregistry makes of all layers.
func extracted(t *testing.T, im v1.Image) map[string]string {
	t.Helper()
	r := mutate.Extract(im)
	defer r.Close()
	out := map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if out[name] = "=" + string(data); h.Typeflag == tar.TypeDir {
			out[name] = "/"
		}
		for i, c := range name { // folders that no layer names
			if c == '/' && out[name[:i]] == "" {
				out[name[:i]] = "/"
			}
		}
	}
}

func TestReadARandomImage(t *testing.T) {
	im, err := random.Image(10_000, 5)
	if err != nil {
		t.Fatal(err)
	}
	dir, digest := save(t, im)
	if diff := cmp.Diff(extracted(t, im), contents(t, load(t, dir, digest, open(t)))); diff != "" {
		t.Error(diff)
	}
}

// TestTreesAgreeWithAnotherReader makes images of layers that add, replace and
// remove files and folders, and compares with what go-containerregistry makes
// of them.
func TestTreesAgreeWithAnotherReader(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 7))
		names := []string{"a", "a/b", "a/b/c", "a/d", "e", "e/f", "g", "g-h", "g/h"}
		var layers []v1.Layer
		for n := range 5 {
			var entries []layer.Entry
			for range 1 + r.IntN(4) {
				entries = append(entries, randomEntry(r, names[r.IntN(len(names))], fmt.Sprint("layer", n)))
			}
			layers = append(layers, newLayer(t, []string{"gzip", "zstd", "none"}[n%3], pack(t, consistent(entries)...)))
		}
		im := build(t, layers...)
		dir, digest := save(t, im)
		if diff := cmp.Diff(extracted(t, build(t, plainLayers(layers)...)), contents(t, load(t, dir, digest, open(t)))); diff != "" {
			t.Errorf("seed %d: %s", seed, diff)
		}
	}
}

// plainLayers are the layers without compression, which the other reader
// expects to be gzip or none.
func plainLayers(layers []v1.Layer) []v1.Layer {
	var out []v1.Layer
	for _, l := range layers {
		if m, ok := l.(memoryLayer); ok {
			out = append(out, memoryLayer{m.plain, m.plain})
		}
	}
	return out
}

// randomEntry adds a file or folder or removes a name.
func randomEntry(r *rand.Rand, name, content string) layer.Entry {
	switch r.IntN(3) {
	case 0:
		return layer.Entry{Change: tree.Change{Op: tree.Remove, Name: name}}
	case 1:
		return layer.Entry{Change: tree.Change{Name: name, Node: &tree.Node{Kind: tree.Dir, Mode: 0o755}}}
	}
	return entry(name, content+name)
}

// consistent leaves out what has something other than a folder above it in the
// same layer, and adds the folders above each entry: no tool writes other
// layers, and readers differ.
func consistent(entries []layer.Entry) []layer.Entry {
	var out []layer.Entry
	for _, e := range entries {
		fine := true
		for _, other := range entries {
			above := strings.HasPrefix(e.Name, other.Name+"/") && (other.Op != tree.Put || other.Node.Kind != tree.Dir)
			fine = fine && !above && (other.Name != e.Name || other.Op == e.Op)
		}
		if fine {
			out = append(out, e)
		}
	}
	for _, e := range slices.Clone(out) {
		for dir := path.Dir(e.Name); dir != "."; dir = path.Dir(dir) {
			out = append(out, layer.Entry{Change: tree.Change{Name: dir, Node: &tree.Node{Kind: tree.Dir, Mode: 0o755}}})
		}
	}
	return out
}
