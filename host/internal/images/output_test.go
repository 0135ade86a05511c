// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// built makes an image of layers in a store of its own.
func built(t *testing.T, format Format) (*Store, *Image) {
	t.Helper()
	s := openStore(t, registry.Options{})
	dir, blobs := exported(t, 1)
	return s, assemble(t, s, Build{Container: twoStages(scratch), Blobs: blobs, Dir: dir, Format: format, Created: time.Unix(7, 0)})
}

func TestSaveLayout(t *testing.T) {
	s, img := built(t, FormatOCI)
	dir := filepath.Join(t.TempDir(), "out")
	for range 2 { // the second replaces the first
		out := Output{Form: FormLayout, Path: dir, References: []string{"app", "r.example/app:1"}}
		if err := s.Save(context.Background(), img.Digest, out); err != nil {
			t.Fatal(err)
		}
	}
	checkLayout(t, dir, img.Digest)
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range m.Manifests {
		names = append(names, d.Annotations[refAnnotation])
		if d.Annotations[originAnnotation] != "" {
			t.Error("the output says where the store had it from")
		}
	}
	if want := []string{"docker.io/library/app:latest", "r.example/app:1"}; !slices.Equal(names, want) {
		t.Errorf("references are %q, want %q", names, want)
	}
	if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("beside the output is %v", left)
	}
}

func TestSaveRefusesFoldersThatAreNotItsOwn(t *testing.T) {
	s, img := built(t, FormatOCI)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{dir: "not empty", s.Dir(): "store itself", filepath.Join(dir, "no", "where"): "no such file"} {
		err := s.Save(context.Background(), img.Digest, Output{Form: FormLayout, Path: path})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", path, err, want)
		}
	}
	if _, err := s.Inspect(img.Digest, nil); err != nil {
		t.Error(err)
	}
	if err := s.Save(context.Background(), img.Digest, Output{Form: "zip", Path: dir}); err == nil || !strings.Contains(err.Error(), "docker-archive") {
		t.Error(err)
	}
	wantKind(t, s.Save(context.Background(), "nothing", Output{Form: FormLayout, Path: dir}), KindNotFound)
}

func TestSaveArchives(t *testing.T) {
	for _, form := range []Form{FormArchive, FormDocker} {
		var outputs [][]byte
		for range 2 { // two stores, the same bytes
			s, img := built(t, FormatDocker)
			file := filepath.Join(t.TempDir(), "out.tar")
			out := Output{Form: form, Path: file, References: []string{"app:1", "app:2"}}
			if err := s.Save(context.Background(), img.Digest, out); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, data)
			if form == FormArchive {
				checkLayout(t, untar(t, data), img.Digest)
			} else {
				checkDockerArchive(t, file, img)
			}
		}
		if !bytes.Equal(outputs[0], outputs[1]) {
			t.Errorf("%s: two outputs of one image differ", form)
		}
	}
}

func untar(t *testing.T, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	for tr := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, h.Name)
		if h.Typeflag == tar.TypeDir {
			err = os.Mkdir(path, 0o755)
		} else {
			body, _ := io.ReadAll(tr)
			err = os.WriteFile(path, body, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func checkDockerArchive(t *testing.T, file string, want *Image) {
	t.Helper()
	for _, tag := range []string{"app:1", "app:2"} {
		ref, err := name.NewTag(tag)
		if err != nil {
			t.Fatal(err)
		}
		img, err := tarball.ImageFromPath(file, &ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
		if got, err := img.ConfigName(); err != nil || got != want.manifest.Config.Digest {
			t.Errorf("%s: configuration %v, %v", tag, got, err)
		}
	}
}

func TestPush(t *testing.T) {
	host := serve(t, nil)
	s, img := built(t, FormatOCI)
	moved := map[string]int64{}
	got, err := s.Push(context.Background(), img.Digest, host+"/team/app:1", func(name string, current, total int64) { moved[name] = current })
	if err != nil {
		t.Fatal(err)
	}
	if want := host + "/team/app@" + img.Digest; got != want {
		t.Errorf("pushed as %s, want %s", got, want)
	}
	pushed, err := remote.Image(mustRef(t, host+"/team/app:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pushed); err != nil {
		t.Error(err)
	}
	for _, l := range img.Layers {
		if moved[l.Digest] != l.Size {
			t.Errorf("layer %s of %d bytes: %d reported", l.Digest, l.Size, moved[l.Digest])
		}
	}
	other := openStore(t, registry.Options{})
	back, err := other.Resolve(context.Background(), Request{Reference: host + "/team/app:1", Platform: parsePlatform("linux/arm/v7")})
	if err != nil || back.Digest != img.Digest || !back.Config.EqualVT(fullConfig()) {
		t.Errorf("pulled back: %v, %v", back, err)
	}
}

// basicAuth asks for a password that nobody has.
func basicAuth(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
}

func TestPushRefused(t *testing.T) {
	s, img := built(t, FormatOCI)
	host := serve(t, basicAuth)
	_, err := s.Push(context.Background(), img.Digest, host+"/app", nil)
	wantRegistry(t, err, registry.KindDenied, "log in")
	_, err = s.Push(context.Background(), img.Digest, host+"/app@"+img.Digest, nil)
	wantKind(t, err, KindReference, "tag")
}

// TestPushMounts pushes an image on a base of the same registry: the base's
// layers are mounted.
func TestPushMounts(t *testing.T) {
	var mounts atomic.Int32
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("mount") != "" && r.URL.Query().Get("from") == "base" {
				mounts.Add(1)
			}
			if r.Method == http.MethodHead && strings.HasPrefix(r.URL.Path, "/v2/app/blobs/") {
				w.WriteHeader(http.StatusNotFound) // this registry shares blobs; real ones do not
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	write(t, host+"/base", randomImage(t, "linux/amd64"))
	s := openStore(t, registry.Options{})
	base := resolve(t, s, host+"/base", "")
	dir, blobs := exported(t, 1)
	c := twoStages(&irv1.Input{Kind: irv1.InputKind_INPUT_KIND_IMAGE}, &irv1.Image{Digest: base.Digest})
	img := assemble(t, s, Build{Container: c, Blobs: blobs, Dir: dir})
	if _, err := s.Push(context.Background(), img.Digest, host+"/app", nil); err != nil {
		t.Fatal(err)
	}
	if got := mounts.Load(); got == 0 {
		t.Error("no layer was mounted")
	}
}

func TestPushWasm(t *testing.T) {
	host := serve(t, nil)
	s := openStore(t, registry.Options{})
	file := filepath.Join(t.TempDir(), "m.wasm")
	if err := os.WriteFile(file, wasiModule[:], 0o600); err != nil {
		t.Fatal(err)
	}
	h, _, _ := v1.SHA256(bytes.NewReader(wasiModule[:]))
	img, err := s.WasmArtifact(context.Background(), Module{Path: file, Blob: &backendv1.Blob{Digest: h.String()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Push(context.Background(), img.Digest, host+"/m", nil); err != nil {
		t.Fatal(err)
	}
	pushed, err := remote.Get(mustRef(t, host+"/m"))
	if err != nil || pushed.Digest.String() != img.Digest {
		t.Errorf("pushed %v, %v", pushed, err)
	}
	err = s.Save(context.Background(), img.Digest, Output{Form: FormDocker, Path: file + ".tar"})
	wantKind(t, err, KindUnsupported, "oci-layout")
}
