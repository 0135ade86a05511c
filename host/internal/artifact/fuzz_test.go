// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// FuzzManifest reads manifests and configurations that are anything. What is
// accepted has a layer for each file.
func FuzzManifest(f *testing.F) {
	ctx := context.Background()
	a := pack(f, backend(f, "builder", "1.0.0"))
	doc, err := refer(a.descriptor(), []byte("{}"))
	must(f, err)
	f.Add(a.Raw(), a.Plugin())
	f.Add(doc.raw, doc.config)
	f.Add([]byte(`{"layers":null,"config":{"digest":"sha512:00"}}`), []byte("null"))
	f.Fuzz(func(t *testing.T, raw, config []byte) {
		open := func(context.Context, v1.Descriptor) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(config)), nil
		}
		if got, err := received(ctx, "x", raw, types.OCIManifestSchema1, open); err == nil {
			for _, file := range got.Manifest().Files {
				if _, ok := got.layer(file.Digest); !ok {
					t.Errorf("%s has no layer", file.Path)
				}
			}
		}
		if bundle, err := bundleOf(ctx, digestOf(a.Raw()), raw, open); err != nil && bundle != nil {
			t.Error("a bundle and an error")
		}
	})
}

// FuzzIndex reads an index that is anything.
func FuzzIndex(f *testing.F) {
	ctx := context.Background()
	l, err := CreateLayout(f.TempDir())
	must(f, err)
	a := pack(f, backend(f, "builder", "1.0.0"))
	must(f, l.Plugin("builder").Put(ctx, a, "1.0.0"))
	must(f, l.Plugin("builder").PutBundle(ctx, a.Digest(), []byte("{}")))
	index := filepath.Join(l.dir, indexFile)
	data, err := os.ReadFile(index)
	must(f, err)
	f.Add(data)
	f.Add([]byte(`{"manifests":[{}]}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(index, data, 0o600))
		entries, err := l.Entries()
		for _, e := range entries {
			r := l.Plugin(e.ID)
			if got, err := r.Get(ctx, e.Tag); err == nil && got.Manifest().ID != e.ID {
				t.Errorf("%v is %s", e, got.Manifest().ID)
			}
			if _, err := r.Tags(ctx); err != nil {
				t.Errorf("%v has no tags: %v", e, err)
			}
		}
		if _, bundleErr := l.Plugin("builder").Bundles(ctx, a.Digest()); err != nil && bundleErr == nil {
			t.Errorf("signatures from an index that cannot be read: %v", err)
		}
	})
}
