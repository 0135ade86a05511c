// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// fullConfig uses every field of the IR's configuration.
func fullConfig() *irv1.ImageConfig {
	return &irv1.ImageConfig{
		User: "app:app", Env: []string{"B=2", "A=1"}, Entrypoint: []string{"/run"}, Cmd: []string{"-v"}, WorkingDir: "/w",
		Labels:       []*irv1.KeyValue{{Key: "a", Value: "1"}, {Key: "b", Value: "two words"}},
		ExposedPorts: []string{"53/udp", "80/tcp"}, Volumes: []string{"/a", "/b"}, StopSignal: "SIGQUIT",
		Healthcheck: &irv1.ImageHealthcheck{
			Test: []string{"CMD-SHELL", "true"}, Interval: 1e9, Timeout: 2e9, StartPeriod: 3e9, StartInterval: 4e9, Retries: 5,
		},
		Onbuild: []string{"RUN echo hi", "COPY . /"}, Shell: []string{"/bin/bash", "-c"}, Author: "Joe",
	}
}

func steps(texts ...string) []*irv1.ResolvedStep {
	var s []*irv1.ResolvedStep
	for _, t := range texts {
		s = append(s, &irv1.ResolvedStep{Text: t})
	}
	return s
}

// twoStages is a build whose target starts from its first stage, with a stage
// between that the target does not start from.
func twoStages(base *irv1.Input, images ...*irv1.Image) *irv1.ResolvedContainer {
	return &irv1.ResolvedContainer{
		Images: images,
		Stages: []*irv1.ResolvedStage{
			{Name: "low", Base: base, Platform: amd64(), Steps: steps("ENV A=1", "RUN one")},
			{Name: "tool", Base: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}, Platform: amd64(), Steps: steps("RUN compile")},
			{
				Name: "top", Base: &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_STAGE}, Platform: &irv1.Platform{Os: "linux", Architecture: "arm", Variant: "v7"},
				Steps: steps("COPY a /", "USER app", "RUN two"), Config: fullConfig(),
			},
		},
	}
}

var scratch = &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_SCRATCH}

// exported is the backend's part of twoStages: four layers of three steps.
func exported(t *testing.T, mtime int64) (dir string, blobs []*backendv1.Blob) {
	t.Helper()
	dir = t.TempDir()
	return dir, []*backendv1.Blob{
		export(t, dir, 0, 1, tarOf(t, mtime, "one")),
		export(t, dir, 2, 0, tarOf(t, mtime, "a", strings.Repeat("long/", 40)+"name")),
		export(t, dir, 2, 2, tarOf(t, mtime, "two")),
		export(t, dir, 2, 2, tarOf(t, mtime, "more")),
	}
}

func assemble(t *testing.T, s *Store, b Build) *Image {
	t.Helper()
	img, err := s.Assemble(context.Background(), b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestAssembleOnScratch(t *testing.T) {
	for _, format := range []Format{"", FormatOCI, FormatDocker} {
		t.Run(string(format), func(t *testing.T) {
			s := openStore(t, registry.Options{})
			dir, blobs := exported(t, 1)
			created := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
			img := assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir, Format: format, Created: created})
			got := checkLayout(t, s.Dir(), img.Digest)
			checkMediaTypes(t, got, format)
			if !img.Config.EqualVT(fullConfig()) {
				t.Errorf("configuration is %v", img.Config)
			}
			if !img.Created.Equal(created) || spell(img.Platform) != "linux/arm/v7" {
				t.Errorf("created %v, platform %s", img.Created, spell(img.Platform))
			}
			for i, l := range img.Layers {
				if l.DiffID != blobs[i].Digest {
					t.Errorf("layer %d was changed", i)
				}
			}
		})
	}
}

func checkMediaTypes(t *testing.T, img v1.Image, format Format) {
	t.Helper()
	want := []types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}
	if format == FormatDocker {
		want = []types.MediaType{types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer}
	}
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range m.Layers {
		if diff := cmp.Diff(want, []types.MediaType{m.MediaType, m.Config.MediaType, l.MediaType}); diff != "" {
			t.Error(diff)
		}
	}
}

// TestConfigurationInDockersNames reads the file as Docker does.
func TestConfigurationInDockersNames(t *testing.T) {
	s := openStore(t, registry.Options{})
	dir, blobs := exported(t, 1)
	img := assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir})
	var doc map[string]any
	if err := json.Unmarshal(img.RawConfig, &doc); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"User": "app:app", "Env": []any{"B=2", "A=1"}, "Entrypoint": []any{"/run"}, "Cmd": []any{"-v"}, "WorkingDir": "/w",
		"Labels":       map[string]any{"a": "1", "b": "two words"},
		"ExposedPorts": map[string]any{"53/udp": map[string]any{}, "80/tcp": map[string]any{}},
		"Volumes":      map[string]any{"/a": map[string]any{}, "/b": map[string]any{}},
		"StopSignal":   "SIGQUIT", "OnBuild": []any{"RUN echo hi", "COPY . /"}, "Shell": []any{"/bin/bash", "-c"},
		"Healthcheck": map[string]any{
			"Test": []any{"CMD-SHELL", "true"}, "Interval": 1e9, "Timeout": 2e9, "StartPeriod": 3e9, "StartInterval": 4e9, "Retries": 5.0,
		},
	}
	if diff := cmp.Diff(want, doc["config"]); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]any{"author": "Joe", "os": "linux", "architecture": "arm", "variant": "v7"} {
		if doc[key] != want {
			t.Errorf("%s is %v, want %v", key, doc[key], want)
		}
	}
}

func TestConfigRoundTrip(t *testing.T) {
	for name, want := range map[string]*irv1.ImageConfig{"full": fullConfig(), "empty": {}, "no health check": {Healthcheck: &irv1.ImageHealthcheck{Test: []string{"NONE"}}}} {
		var f configFile
		setImageConfig(&f, want)
		raw, err := json.Marshal(&f)
		if err != nil {
			t.Fatal(err)
		}
		back, err := parseConfig(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := imageConfig(back); !got.EqualVT(want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestAssembleOnBase(t *testing.T) {
	host := serve(t, nil)
	base := randomImage(t, "linux/amd64")
	f, err := base.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	f = f.DeepCopy()
	f.OSVersion, f.OSFeatures, f.Config.ArgsEscaped, f.Config.Hostname, f.Container = "10", []string{"x"}, true, "builder", "c0ffee"
	f.History = []v1.History{{CreatedBy: "base one"}, {CreatedBy: "base env", EmptyLayer: true}, {CreatedBy: "base two"}}
	if base, err = mutate.ConfigFile(base, f); err != nil {
		t.Fatal(err)
	}
	write(t, host+"/base", base)
	s := openStore(t, registry.Options{})
	from := resolve(t, s, host+"/base", "")
	input := &irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE}
	dir, blobs := exported(t, 1)
	img := assemble(t, s, Build{Container: twoStages(input, &irv1.Image{Digest: from.Digest}), Blobs: blobs, Dir: dir})
	checkMediaTypes(t, checkLayout(t, s.Dir(), img.Digest), FormatOCI) // the base's layers are Docker's

	got, err := parseConfig(img.RawConfig)
	if err != nil {
		t.Fatal(err)
	}
	if got.OSVersion != "10" || len(got.OSFeatures) != 1 || !got.Config.ArgsEscaped {
		t.Error("what the base says about its files was lost")
	}
	if got.Config.Hostname != "" || got.Container != "" {
		t.Error("what the base says about the container it was made in was kept")
	}
	type line struct {
		By    string
		Empty bool
	}
	var have []line
	for _, h := range got.History {
		have = append(have, line{h.CreatedBy, h.EmptyLayer})
	}
	want := []line{
		{"base one", false}, {"base env", true}, {"base two", false},
		{"ENV A=1", true}, {"RUN one", false}, {"COPY a /", false}, {"USER app", true}, {"RUN two", false}, {"RUN two", false},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

func TestPadHistory(t *testing.T) {
	e := func(empty bool) v1.History { return v1.History{EmptyLayer: empty} }
	for _, in := range [][]v1.History{nil, {e(true)}, {e(false)}, {e(false), e(true), e(false)}, {e(false), e(false), e(false)}} {
		n := 0
		for _, h := range padHistory(in, 2) {
			if !h.EmptyLayer {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d entries: %d layers, want 2", len(in), n)
		}
	}
}

func TestAssembleNeedsNothingTwice(t *testing.T) {
	s := openStore(t, registry.Options{})
	dir, blobs := exported(t, 1)
	var digests []string
	for _, b := range blobs {
		digests = append(digests, b.Digest, b.Digest)
	}
	epoch := int64(5)
	for _, e := range []*int64{nil, &epoch} {
		lacking, err := s.Lacking(digests, e)
		if err != nil || len(lacking) != len(blobs) {
			t.Fatalf("lacking %v, %v; want each once", lacking, err)
		}
		first := assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir, Epoch: e, Created: time.Unix(9, 0)})
		if lacking, err := s.Lacking(digests, e); err != nil || len(lacking) != 0 {
			t.Fatalf("lacking %v, %v; want none", lacking, err)
		}
		second := assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: "/nowhere", Epoch: e, Created: time.Unix(9, 0)})
		if first.Digest != second.Digest {
			t.Error("the second image is another one")
		}
		if err := os.Remove(s.path(blobsDir, strings.TrimPrefix(first.Layers[1].Digest, "sha256:"))); err != nil {
			t.Fatal(err)
		}
		if lacking, err := s.Lacking(digests, e); err != nil || len(lacking) != 1 || lacking[0] != blobs[1].Digest {
			t.Errorf("a blob is gone: lacking %v, %v", lacking, err)
		}
	}
}

func TestEpochMakesEqualImages(t *testing.T) {
	epoch := int64(1_700_000_000)
	var digests []string
	for _, mtime := range []int64{epoch + 1, epoch + 100_000} {
		s := openStore(t, registry.Options{})
		dir, blobs := exported(t, mtime)
		img := assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir, Epoch: &epoch})
		digests = append(digests, img.Digest)
		got := checkLayout(t, s.Dir(), img.Digest)
		if !img.Created.Equal(time.Unix(epoch, 0)) {
			t.Errorf("created %v", img.Created)
		}
		checkTimes(t, got, epoch)
	}
	if digests[0] != digests[1] {
		t.Errorf("two stores, two digests: %v", digests)
	}
}

func checkTimes(t *testing.T, img v1.Image, epoch int64) {
	t.Helper()
	r := mutate.Extract(img)
	defer r.Close()
	names := 0
	for tr := tar.NewReader(r); ; names++ {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.ModTime.Unix() != epoch || h.Uname != "" {
			t.Errorf("%s: time %v, user %q", h.Name, h.ModTime, h.Uname)
		}
		if data, err := io.ReadAll(tr); err != nil || string(data) != h.Name {
			t.Errorf("%s: %q, %v", h.Name, data, err)
		}
	}
	if names != 5 {
		t.Errorf("%d files, want 5", names)
	}
}

func TestFormatsOfBaseLayers(t *testing.T) {
	in := []v1.Descriptor{{MediaType: types.OCILayer}, {MediaType: types.DockerUncompressedLayer}}
	for format, want := range map[Format][]v1.Descriptor{
		FormatOCI:    {{MediaType: types.OCILayer}, {MediaType: types.OCIUncompressedLayer}},
		FormatDocker: {{MediaType: types.DockerLayer}, {MediaType: types.DockerUncompressedLayer}},
	} {
		kinds, err := format.mediaTypes()
		if err != nil {
			t.Fatal(err)
		}
		got, err := kinds.convert(in)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", format, err, diff)
		}
	}
	kinds, _ := FormatDocker.mediaTypes()
	_, err := kinds.convert([]v1.Descriptor{{MediaType: types.OCILayerZStd}})
	wantKind(t, err, KindUnsupported, "--image-format oci", "zstd")
}

func TestCancelledAssembleLeavesNothing(t *testing.T) {
	s := openStore(t, registry.Options{})
	dir, blobs := exported(t, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Assemble(ctx, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	for _, sub := range []string{tempDir, blobsDir, packedDir} {
		if left, _ := os.ReadDir(s.path(sub)); len(left) != 0 {
			t.Errorf("%s has %v", sub, left)
		}
	}
}

func TestAssembleRefuses(t *testing.T) {
	s := openStore(t, registry.Options{})
	dir, blobs := exported(t, 1)
	swapped := []*backendv1.Blob{blobs[1], blobs[0]}
	far := int64(1) << 40
	tests := []struct {
		name, want string
		build      Build
	}{
		{"no stage", "no stage", Build{Container: &irv1.ResolvedContainer{}}},
		{"layers out of order", "not in order", Build{Container: twoStages(scratch), Blobs: swapped, Dir: dir}},
		{"layer of no step", "not so", Build{Container: twoStages(scratch), Blobs: []*backendv1.Blob{{Digest: blobs[0].Digest}}, Dir: dir}},
		{"layer that was not exported", "did not export", Build{Container: twoStages(scratch), Blobs: []*backendv1.Blob{export(t, t.TempDir(), 0, 1, []byte("x"))}, Dir: dir}},
		{"format", "oci or docker", Build{Container: twoStages(scratch), Format: "squashfs"}},
		{"epoch", "SOURCE_DATE_EPOCH", Build{Container: twoStages(scratch), Epoch: &far}},
		{"base out of range", "neither scratch", Build{Container: twoStages(&irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE, Index: 3})}},
	}
	for _, tt := range tests {
		if _, err := s.Assemble(context.Background(), tt.build); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v does not say %q", tt.name, err, tt.want)
		}
	}
	if err := os.WriteFile(dir+"/"+strings.TrimPrefix(blobs[0].Digest, "sha256:"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.Assemble(context.Background(), Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir})
	wantKind(t, err, KindArtifact)
}

func TestWasmArtifact(t *testing.T) {
	s := openStore(t, registry.Options{})
	file := t.TempDir() + "/m.wasm"
	write := func(data string) string {
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		h, _, _ := v1.SHA256(strings.NewReader(data))
		return h.String()
	}
	digest := write("\x00asm\x01\x00\x00\x00")
	epoch := int64(1e9)
	img, err := s.WasmArtifact(context.Background(), Module{
		Path: file, Blob: &backendv1.Blob{Digest: digest}, Epoch: &epoch, Labels: []*irv1.KeyValue{{Key: "org.opencontainers.image.title", Value: "m"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"created":"2001-09-09T01:46:40Z","author":null,"architecture":"wasm","os":"wasip1","layerDigests":["` + digest + `"],"component":null}`
	if string(img.RawConfig) != want {
		t.Errorf("configuration is\n%s, want\n%s", img.RawConfig, want)
	}
	m := img.manifest
	if m.Config.MediaType != "application/vnd.wasm.config.v0+json" || len(m.Layers) != 1 || m.Layers[0].MediaType != "application/wasm" ||
		m.Layers[0].Digest.String() != digest || m.Annotations["org.opencontainers.image.title"] != "m" {
		t.Errorf("manifest is %+v", m)
	}
	checkLayout(t, s.Dir(), img.Digest)
	if data, err := s.Module(img.Digest); err != nil || string(data) != string(wasiModule[:]) {
		t.Errorf("module is %q, %v", data, err)
	}
	other, err := emptyImage(s, "x")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Module(other.Digest)
	wantKind(t, err, KindUnsupported, "not a wasm artifact")
	for name, data := range map[string]string{"component": "\x00asm\x0d\x00\x01\x00", "text": "(module)"} {
		if _, err := s.WasmArtifact(context.Background(), Module{Path: file, Blob: &backendv1.Blob{Digest: write(data)}}); err == nil || !strings.Contains(err.Error(), "not a WebAssembly module") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
