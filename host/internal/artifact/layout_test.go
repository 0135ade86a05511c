// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
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
	if !errors.Is(err, ErrNotLayout) {
		t.Errorf("an empty folder: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "zlayer-plugin.json"), []byte("{}"), 0o600))
	if _, err = CreateLayout(dir); !errors.Is(err, ErrNotLayout) {
		t.Errorf("a folder of something else: %v", err)
	}
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

// entry is one entry of a test's archive.
type entry struct {
	name, text, link string
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: e.name, Mode: 0o644, Size: int64(len(e.text))}
		switch {
		case e.link != "":
			h.Typeflag, h.Linkname = tar.TypeSymlink, e.link
		case strings.HasSuffix(e.name, "/"):
			h.Typeflag = tar.TypeDir
		}
		must(t, w.WriteHeader(h))
		_, err := io.WriteString(w, e.text)
		must(t, err)
	}
	must(t, w.Close())
	return buf.Bytes()
}

func TestArchives(t *testing.T) {
	ctx := context.Background()
	version, index := entry{name: "./oci-layout", text: layoutContent}, entry{name: "./index.json", text: `{"manifests":[]}`}
	sound := archive(t, entry{name: "./"}, version, index, entry{name: "blobs/sha256/"})
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	w.Write(sound)
	must(t, w.Close())
	for name, data := range map[string][]byte{"tar": sound, "tar.gz": gz.Bytes()} {
		l, err := OpenArchive(ctx, bytes.NewReader(data), t.TempDir())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		l.Close()
	}

	tests := []struct {
		name      string
		data      []byte
		kind      registry.Kind
		notLayout bool
	}{
		{"empty", nil, registry.KindUnsupported, true},
		{"no archive", bytes.Repeat([]byte("<html>"), 1000), registry.KindUnsupported, true},
		{"a plugin", archive(t, entry{name: "zlayer-plugin.json", text: "{}"}), registry.KindUnsupported, true},
		{"out of the folder", archive(t, entry{name: "../oci-layout", text: "x"}), registry.KindUnsupported, true},
		{"absolute", archive(t, entry{name: "/oci-layout", text: "x"}), registry.KindUnsupported, true},
		{"a link", archive(t, entry{name: "blobs/sha256", link: "/tmp"}), registry.KindUnsupported, true},
		{"a linked blob", archive(t, entry{name: "blobs/sha256/" + strings.Repeat("0", 64), link: "/etc/passwd"}), registry.KindUnsupported, true},
		{"twice", archive(t, version, version), registry.KindUnsupported, false},
		{"truncated", sound[:1000], registry.KindDamaged, false},
		{"truncated gzip", gz.Bytes()[:gz.Len()-20], registry.KindDamaged, false},
		{"malformed index", archive(t, version, entry{name: "index.json", text: "<"}), registry.KindUnsupported, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := OpenArchive(ctx, bytes.NewReader(tt.data), t.TempDir())
			wantKind(t, err, tt.kind)
			if errors.Is(err, ErrNotLayout) != tt.notLayout {
				t.Errorf("not a layout: %v", err)
			}
		})
	}
}

func TestArchiveOfTooManyFiles(t *testing.T) {
	entries := make([]entry, maxFiles+1)
	for i := range entries {
		entries[i].name = "blobs/"
	}
	_, err := OpenArchive(context.Background(), bytes.NewReader(archive(t, entries...)), t.TempDir())
	wantKind(t, err, registry.KindUnsupported, "files is refused")
}
