// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// mustLayout makes an empty layout.
func mustLayout(t *testing.T) *Layout {
	t.Helper()
	l, err := CreateLayout(filepath.Join(t.TempDir(), "layout"))
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l
}

// filled makes a layout of one release with a bundle.
func filled(t *testing.T) (*Layout, *Artifact) {
	t.Helper()
	l, a := mustLayout(t), pack(t, backend(t, "builder", "1.0.0"))
	r := l.Plugin("builder")
	must(t, r.Put(context.Background(), a, "1.0.0"))
	must(t, r.PutBundle(context.Background(), a.Digest(), []byte(`{"a":1}`)))
	return l, a
}

// TestLayoutIsALayout reads a layout with the library.
func TestLayoutIsALayout(t *testing.T) {
	l, a := filled(t)
	index, err := layout.ImageIndexFromPath(l.dir)
	must(t, err)
	m, err := index.IndexManifest()
	must(t, err)
	if len(m.Manifests) != 2 || m.Manifests[1].Annotations["org.opencontainers.image.ref.name"] != "builder:1.0.0" ||
		m.Manifests[1].ArtifactType != Type || m.Manifests[1].Digest.String() != a.Digest() {
		t.Errorf("index.json has %+v", m.Manifests)
	}
	again, err := CreateLayout(l.dir)
	must(t, err)
	defer again.Close()
	if entries, err := again.Entries(); err != nil || len(entries) != 1 {
		t.Errorf("opened again: %v, %v", entries, err)
	}
}

func TestLayoutHoldsOtherThings(t *testing.T) {
	l, _ := filled(t)
	img, err := random.Image(100, 1)
	must(t, err)
	must(t, layout.Path(l.dir).AppendImage(img, layout.WithAnnotations(map[string]string{refKey: "an-image:latest"})))
	_, err = l.Plugin("an-image").Get(context.Background(), "latest")
	wantKind(t, err, registry.KindUnsupported, "this is a container image, not a plugin")
	must(t, layout.Path(l.dir).AppendImage(img, layout.WithAnnotations(map[string]string{refKey: "latest"})))
	if entries, err := l.Entries(); err != nil || len(entries) != 2 {
		t.Errorf("entries: %v, %v", entries, err)
	}
}

func TestDamagedLayout(t *testing.T) {
	ctx := context.Background()
	wasm := digestOf([]byte("wasm of 1.0.0"))
	blob := func(l *Layout, hex string) string { return filepath.Join(l.dir, blobsDir, hex) }
	tests := []struct {
		name   string
		damage func(l *Layout, a *Artifact) error
		kind   registry.Kind
		words  string
	}{
		{"truncated", func(l *Layout, _ *Artifact) error { return os.Truncate(blob(l, wasm.Hex), 3) }, registry.KindDamaged, "ends after 3 of"},
		{"changed", func(l *Layout, _ *Artifact) error {
			return os.WriteFile(blob(l, wasm.Hex), []byte("WASM of 1.0.0"), 0o600)
		}, registry.KindDamaged, "digest"},
		{"longer", func(l *Layout, _ *Artifact) error { return os.Truncate(blob(l, wasm.Hex), 300) }, registry.KindDamaged, "more than"},
		{"missing", func(l *Layout, _ *Artifact) error { return os.Remove(blob(l, wasm.Hex)) }, registry.KindDamaged, "lacks blob"},
		{"a link out of it", func(l *Layout, _ *Artifact) error {
			return errors.Join(os.Remove(blob(l, wasm.Hex)), os.Symlink("/etc/passwd", blob(l, wasm.Hex)))
		}, 0, "escapes"},
		{"a folder", func(l *Layout, _ *Artifact) error {
			return errors.Join(os.Remove(blob(l, wasm.Hex)), os.Mkdir(blob(l, wasm.Hex), 0o700))
		}, registry.KindUnsupported, "not a file"},
		{"manifest", func(l *Layout, a *Artifact) error {
			return os.WriteFile(blob(l, a.Digest()[7:]), bytes.Replace(a.Raw(), []byte("linux"), []byte("LINUX"), 1), 0o600)
		}, registry.KindDamaged, "digest"},
		{"configuration", func(l *Layout, a *Artifact) error { return os.Truncate(blob(l, a.Release()[7:]), 10) }, registry.KindDamaged, "builder:1.0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, a := filled(t)
			must(t, tt.damage(l, a))
			got, err := l.Plugin("builder").Get(ctx, "1.0.0")
			if err == nil {
				_, err = content(got, wasm.String())
			}
			if tt.kind == 0 {
				if err == nil || !strings.Contains(err.Error(), tt.words) {
					t.Errorf("got %v", err)
				}
				return
			}
			wantKind(t, err, tt.kind, tt.words)
			if tt.name == "changed" {
				wantKind(t, l.WriteTar(ctx, io.Discard), registry.KindDamaged, wasm.String())
				must(t, l.Plugin("builder").Put(ctx, pack(t, backend(t, "builder", "1.0.0")), "1.0.0")) // repairs it
				same(t, got, backend(t, "builder", "1.0.0"))
			}
		})
	}
}

func TestNoLayout(t *testing.T) {
	dir := t.TempDir()
	_, err := OpenLayout(dir)
	wantKind(t, err, registry.KindUnsupported, "not an OCI image layout")
	must(t, os.WriteFile(filepath.Join(dir, "zlayer-plugin.json"), []byte("{}"), 0o600))
	_, err = CreateLayout(dir)
	wantKind(t, err, registry.KindUnsupported, "not an OCI image layout")
	for file, content := range map[string]string{
		"oci-layout": `{"imageLayoutVersion":"2.0.0"}`, "index.json": "[]", "blobs": "",
	} {
		l := mustLayout(t)
		must(t, os.RemoveAll(filepath.Join(l.dir, file)))
		must(t, os.WriteFile(filepath.Join(l.dir, file), []byte(content), 0o600))
		if again, err := OpenLayout(l.dir); file != "blobs" {
			wantKind(t, err, registry.KindUnsupported)
		} else if err != nil || again.Plugin("x").Put(context.Background(), pack(t, backend(t, "x", "1.0.0")), "1.0.0") == nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := OpenLayout(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestMisnamedRelease(t *testing.T) {
	l, a := filled(t)
	wantKind(t, l.Plugin("other").Put(context.Background(), a, "1.0.0"), registry.KindUnsupported, "a release of builder")
	must(t, l.put(context.Background(), &a.document, "other:1.0.0"))
	_, err := l.Plugin("other").Get(context.Background(), "1.0.0")
	wantKind(t, err, registry.KindUnsupported, "a release of builder")
}
