// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// FuzzConfig reads a configuration that is anything. What the IR has of it
// comes back when it is put into an image made on it.
func FuzzConfig(f *testing.F) {
	f.Add([]byte(`{"architecture":"arm64","os":"linux","config":{"Env":["A=1"],"Healthcheck":{"Test":["CMD","x"],"StartInterval":5},
		"ExposedPorts":{"80/tcp":{}},"Labels":{"b":"","a":"1"}},"rootfs":{"type":"layers","diff_ids":[]},"history":[{"created":"1970-01-01T00:00:00Z"}]}`))
	f.Add([]byte(`{"config":null,"rootfs":{"diff_ids":["sha256:00"]}}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		base, err := parseConfig(raw)
		if err != nil {
			return
		}
		want := imageConfig(base)
		made := inherit(base)
		setImageConfig(made, want)
		text, err := json.Marshal(made)
		if err != nil {
			return // a time that JSON does not have
		}
		again, err := parseConfig(text)
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if got := imageConfig(again); !got.EqualVT(want) && !emptied(want.Entrypoint) && !emptied(want.Cmd) {
			t.Errorf("got %s", cmp.Diff(want, got, cmpopts.IgnoreUnexported(irv1.ImageConfig{}, irv1.KeyValue{}, irv1.ImageHealthcheck{})))
		}
		suits(platformOf(base.Platform()), platformOf(made.Platform()))
	})
}

// emptied says that a list is there and empty, which JSON of images drops.
func emptied(list []string) bool { return list != nil && len(list) == 0 }

// FuzzManifest reads manifests and lists that are anything.
func FuzzManifest(f *testing.F) {
	hash := `"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`
	f.Add([]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":2,"digest":`+hash+`},"layers":[
		{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":0,"digest":`+hash+`}]}`), string(types.OCIManifestSchema1))
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":0,"digest":`+hash+`,"platform":{"os":"linux"}}]}`), string(types.OCIImageIndex))
	f.Add([]byte("{}"), string(types.DockerManifestSchema1))
	f.Fuzz(func(t *testing.T, raw []byte, mediaType string) {
		m, err := imageManifest("x", types.MediaType(mediaType), raw)
		if own := new(Error); err != nil && (!errors.As(err, &own) || own.Message == "") {
			t.Errorf("%v helps nobody", err)
		}
		if err == nil {
			for _, l := range distinct(m.Layers) {
				if !l.MediaType.IsLayer() {
					t.Errorf("a layer of type %q", l.MediaType)
				}
			}
		}
		index, err := v1.ParseIndexManifest(bytes.NewReader(raw))
		if err != nil {
			return
		}
		tidy(index)
		found, all := best(index.Manifests, orHost(nil))
		if len(all) != len(index.Manifests) || found != nil && !suits(orHost(nil), platformOf(found.Platform)) {
			t.Errorf("%v suits, of %v", found, all)
		}
	})
}

// FuzzLoad loads an archive that is anything: all of it or nothing, and nothing
// is left behind.
func FuzzLoad(f *testing.F) {
	ctx := context.Background()
	s, err := Open(filepath.Join(f.TempDir(), "store"), registry.New(registry.Options{}))
	must(f, err)
	for _, data := range archives(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		loaded, err := s.Load(ctx, "", bytes.NewReader(data), nil)
		if own := new(Error); err != nil && (!errors.As(err, &own) || own.Message == "" || own.Help == "") {
			t.Errorf("%v helps nobody", err)
		}
		for _, img := range loaded {
			if _, err := s.Inspect(img.Digest, nil); err != nil {
				t.Errorf("what was loaded is not there: %v", err)
			}
		}
		if left, err := os.ReadDir(s.path(tempDir)); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v (%v)", left, err)
		}
	})
}

// archives are a small image in the forms of archives.
func archives(f *testing.F) [][]byte {
	f.Helper()
	img, err := mutate.AppendLayers(empty.Image, static.NewLayer(make([]byte, 1024), types.DockerUncompressedLayer))
	must(f, err)
	var docker, oci bytes.Buffer
	must(f, tarball.Write(name.MustParseReference("app:1"), img, &docker))
	dir := f.TempDir()
	_, err = layout.Write(dir, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img}))
	must(f, err)
	w := tar.NewWriter(&oci)
	must(f, w.AddFS(os.DirFS(dir)))
	must(f, w.Close())
	return [][]byte{docker.Bytes(), oci.Bytes()}
}

func must(f *testing.F, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}
