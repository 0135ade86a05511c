// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/zlayer/zlayer/host/internal/registry"
)

func TestResolveByTagAndDigest(t *testing.T) {
	host := serve(t, nil)
	img := randomImage(t, "linux/amd64")
	write(t, host+"/team/app:1", img)
	for _, ref := range []string{host + "/team/app:1", host + "/team/app@" + digestOf(t, img), host + "/team/app:x@" + digestOf(t, img)} {
		s := openStore(t, registry.Options{})
		got := resolve(t, s, ref, "")
		if got.Digest != digestOf(t, img) || !slices.Equal(got.Config.Env, []string{"FROM=linux/amd64"}) {
			t.Errorf("%s: got %s with %v", ref, got.Digest, got.Config)
		}
		checkLayout(t, s.Dir(), got.Digest)
	}
}

// checkLayout reads a layout with the library and validates one image of it.
func checkLayout(t *testing.T, dir, digest string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	h, err := v1.NewHash(digest)
	if err != nil {
		t.Fatal(err)
	}
	img, err := index.Image(h)
	if err != nil {
		t.Fatalf("the layout %s does not list %s: %v", dir, digest, err)
	}
	if err := validate.Image(img); err != nil {
		t.Errorf("the library says of %s: %v", digest, err)
	}
	return img
}

func TestPolicies(t *testing.T) {
	var requests atomic.Int32
	down := atomic.Bool{}
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if down.Load() {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	ref := host + "/app"
	first, second := randomImage(t, "linux/amd64"), randomImage(t, "linux/amd64")
	write(t, ref, first)
	s := openStore(t, registry.Options{})

	_, err := s.Resolve(context.Background(), Request{Reference: ref, Platform: amd64(), Policy: PolicyNever})
	wantKind(t, err, KindNotLocal, "--pull missing")
	resolve(t, s, ref, PolicyMissing)

	steps := []struct {
		policy Policy
		down   bool
		want   v1.Image
		asks   bool
	}{
		{PolicyMissing, false, first, false},
		{PolicyNever, false, first, false},
		{PolicyNewer, true, first, true},
		{PolicyNewer, false, second, true},
		{PolicyMissing, false, second, false},
		{PolicyAlways, false, second, true},
	}
	write(t, ref, second)
	for i, step := range steps {
		down.Store(step.down)
		before := requests.Load()
		got := resolve(t, s, ref, step.policy)
		if got.Digest != digestOf(t, step.want) {
			t.Errorf("step %d, %s: wrong image", i, step.policy)
		}
		if asked := requests.Load() != before; asked != step.asks {
			t.Errorf("step %d, %s: asked the registry: %v", i, step.policy, asked)
		}
		if (got.Unchecked != nil) != step.down {
			t.Errorf("step %d, %s: unchecked: %v", i, step.policy, got.Unchecked)
		}
	}
	down.Store(true)
	_, err = s.Resolve(context.Background(), Request{Reference: ref, Platform: amd64(), Policy: PolicyAlways})
	wantRegistry(t, err, registry.KindUnreachable)
	_, err = s.Resolve(context.Background(), Request{Reference: ref, Policy: "sometimes"})
	if err == nil || !strings.Contains(err.Error(), "missing, newer, always or never") {
		t.Errorf("unknown policy: %v", err)
	}
}

func TestTaggedHereGoesFirst(t *testing.T) {
	host := serve(t, nil)
	write(t, host+"/base", randomImage(t, "linux/amd64"))
	s := openStore(t, registry.Options{})
	base := resolve(t, s, host+"/base", "")
	if err := s.Tag(context.Background(), base.Digest, "my-base"); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"my-base", "my-base:latest", "docker.io/library/my-base", "index.docker.io/library/my-base:latest"} {
		for _, policy := range []Policy{PolicyMissing, PolicyNewer, PolicyNever} {
			if got := resolve(t, s, ref, policy); got.Digest != base.Digest || got.Reference != "docker.io/library/my-base:latest" {
				t.Errorf("%s, %s: got %+v", ref, policy, got)
			}
		}
	}
	_, err := s.Resolve(context.Background(), Request{Reference: "my-base", Platform: parsePlatform("linux/s390x")})
	wantKind(t, err, KindPlatform, "linux/amd64", "linux/s390x")
}

// multi writes an index of images of platforms, some in an inner index.
func multi(t *testing.T, ref string, platforms, inner []string) map[string]v1.Image {
	t.Helper()
	made := map[string]v1.Image{}
	build := func(platforms []string) v1.ImageIndex {
		var index v1.ImageIndex = empty.Index
		for _, p := range platforms {
			made[p] = randomImage(t, p)
			index = mutate.AppendManifests(index, mutate.IndexAddendum{
				Add: made[p], Descriptor: v1.Descriptor{Platform: descriptorPlatform(parsePlatform(p))},
			})
		}
		return index
	}
	index := build(platforms)
	if inner != nil {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: build(inner)})
	}
	if err := remote.WriteIndex(mustRef(t, ref), index); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestPlatformSelection(t *testing.T) {
	host := serve(t, nil)
	made := multi(t, host+"/multi", []string{"linux/amd64", "linux/arm/v6", "linux/arm/v7", "windows/amd64"}, []string{"linux/arm64", "linux/riscv64"})
	tests := []struct{ want, get string }{
		{"linux/amd64", "linux/amd64"},
		{"linux/amd64/v3", "linux/amd64"},
		{"linux/arm", "linux/arm/v7"},
		{"linux/arm/v6", "linux/arm/v6"},
		{"linux/arm64", "linux/arm64"},
		{"linux/arm64/v8", "linux/arm64"},
		{"linux/arm64/v9", "linux/arm64"},
		{"linux/riscv64", "linux/riscv64"},
		{"windows/amd64", "windows/amd64"},
	}
	s := openStore(t, registry.Options{})
	for range 2 { // from the registry, then from the store
		for _, tt := range tests {
			got, err := s.Resolve(context.Background(), Request{Reference: host + "/multi", Platform: parsePlatform(tt.want)})
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != digestOf(t, made[tt.get]) {
				t.Errorf("%s: got the image of %s", tt.want, spell(got.Platform))
			}
		}
	}
	for _, want := range []string{"linux/s390x", "linux/arm/v5", "darwin/arm64"} {
		_, err := s.Resolve(context.Background(), Request{Reference: host + "/multi", Platform: parsePlatform(want)})
		wantKind(t, err, KindPlatform, want, "linux/amd64, linux/arm/v6, linux/arm/v7, linux/arm64, linux/riscv64, windows/amd64")
	}
}

// TestIndexWithoutPlatforms has images whose index does not say what they are
// for, among them one that is no container image and an attestation.
func TestIndexWithoutPlatforms(t *testing.T) {
	host := serve(t, nil)
	arm, amd := randomImage(t, "linux/arm64"), randomImage(t, "linux/amd64")
	artifact := mutate.ConfigMediaType(randomImage(t, "linux/amd64"), "application/x-artifact")
	attestation := mutate.IndexAddendum{Add: randomImage(t, "linux/amd64"), Descriptor: v1.Descriptor{
		Platform:    &v1.Platform{OS: "linux", Architecture: "amd64"},
		Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
	}}
	index := mutate.AppendManifests(empty.Index, attestation)
	for _, img := range []v1.Image{artifact, arm, amd} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img})
	}
	if err := remote.WriteIndex(mustRef(t, host+"/multi"), index); err != nil {
		t.Fatal(err)
	}
	raw, err := index.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	// The library fills the platforms in; this registry has to leave them out.
	var plain v1.IndexManifest
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(plain.Manifests); i++ {
		plain.Manifests[i].Platform = nil
	}
	if raw, err = json.Marshal(plain); err != nil {
		t.Fatal(err)
	}
	putManifest(t, host, "multi", types.OCIImageIndex, raw)
	if got := resolve(t, openStore(t, registry.Options{}), host+"/multi", ""); got.Digest != digestOf(t, amd) {
		t.Errorf("got %s for %s", got.Digest, spell(got.Platform))
	}
}

// putManifest sends a manifest as it is.
func putManifest(t *testing.T, host, repo string, mt types.MediaType, raw []byte) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, "http://"+host+"/v2/"+repo+"/manifests/latest", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", string(mt))
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatal(resp, err)
	}
}

func TestMalformedDocuments(t *testing.T) {
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/manifests/") {
				next.ServeHTTP(w, r)
				return
			}
			mt := types.OCIManifestSchema1
			if strings.Contains(r.URL.Path, "index") {
				mt = types.OCIImageIndex
			}
			w.Header().Set("Content-Type", string(mt))
			w.Write([]byte("<html>"))
		})
	})
	for _, repo := range []string{"index", "manifest"} {
		_, err := openStore(t, registry.Options{}).Resolve(context.Background(), Request{Reference: host + "/" + repo})
		wantKind(t, err, KindUnsupported, repo+" is malformed")
	}
}

func TestDigestOfIndexIsFoundInStore(t *testing.T) {
	host := serve(t, nil)
	made := multi(t, host+"/multi", []string{"linux/amd64", "linux/arm64"}, nil)
	index, err := remote.Index(mustRef(t, host+"/multi"))
	if err != nil {
		t.Fatal(err)
	}
	s := openStore(t, registry.Options{})
	ref := host + "/multi@" + digestOf(t, index)
	resolve(t, s, ref, "")
	for _, policy := range []Policy{PolicyNever, PolicyAlways} {
		if got := resolve(t, s, ref, policy); got.Digest != digestOf(t, made["linux/amd64"]) {
			t.Errorf("%s: got %s", policy, got.Digest)
		}
	}
}

func TestSingleImageOfAnotherPlatform(t *testing.T) {
	host := serve(t, nil)
	write(t, host+"/app", randomImage(t, "linux/arm64"))
	_, err := openStore(t, registry.Options{}).Resolve(context.Background(), Request{Reference: host + "/app", Platform: amd64()})
	wantKind(t, err, KindPlatform, "linux/amd64", "linux/arm64", "--platform")
}

func TestRefused(t *testing.T) {
	host := serve(t, nil)
	put := func(repo string, mt types.MediaType, config types.MediaType, layer types.MediaType) {
		t.Helper()
		img := randomImage(t, "linux/amd64")
		raw, err := img.RawManifest()
		if err != nil {
			t.Fatal(err)
		}
		write(t, host+"/"+repo+":src", img)
		text := strings.ReplaceAll(string(raw), string(types.DockerConfigJSON), string(config))
		text = strings.ReplaceAll(text, string(types.DockerLayer), string(layer))
		putManifest(t, host, repo, mt, []byte(text))
	}
	put("schema1", types.DockerManifestSchema1Signed, types.DockerConfigJSON, types.DockerLayer)
	put("helm", types.DockerManifestSchema2, "application/vnd.cncf.helm.config.v1+json", types.DockerLayer)
	put("foreign", types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerForeignLayer)
	put("odd", types.DockerManifestSchema2, types.DockerConfigJSON, "application/x-odd")
	s := openStore(t, registry.Options{})
	for repo, words := range map[string]string{"schema1": "schema 1", "helm": "helm", "foreign": "foreign", "odd": "application/x-odd"} {
		_, err := s.Resolve(context.Background(), Request{Reference: host + "/" + repo, Platform: amd64()})
		wantKind(t, err, KindUnsupported, words)
	}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("refused images are listed: %v, %v", list, err)
	}
	_, err := s.Resolve(context.Background(), Request{Reference: host + "/none"})
	wantRegistry(t, err, registry.KindNotFound, "none")
	for _, ref := range []string{"Debian", "", "a b", "x@sha256:12", "x@sha512:" + strings.Repeat("0", 128)} {
		_, err := s.Resolve(context.Background(), Request{Reference: ref})
		wantRegistry(t, err, registry.KindReference)
	}
}
