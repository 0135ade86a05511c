// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// plugin is a plugin to be packed: its files by path.
type plugin struct {
	json  []byte
	files map[string]string
}

// backend is a plugin for two platforms; one file is the same on both.
func backend(t testing.TB, id, version string) plugin {
	t.Helper()
	p := plugin{files: map[string]string{
		"linux/main": strings.Repeat("linux "+version, 1000), "darwin/main": strings.Repeat("darwin "+version, 1000),
		"linux/data": "the same", "darwin/data": "the same", "check.wasm": "wasm of " + version,
	}}
	m := &manifest.Manifest{
		Schema: 1, ID: id, Kind: manifest.Backend, Version: version, Protocol: manifest.Protocol{Major: 1},
		Capabilities: &manifest.Capabilities{Features: []string{"exec"}},
	}
	for _, path := range []string{"linux/main", "linux/data", "darwin/main", "darwin/data", "check.wasm"} {
		f := manifest.File{Path: path, Digest: digestOf([]byte(p.files[path])).String()}
		if system, base, ok := strings.Cut(path, "/"); ok {
			f.Platform = system + "/amd64"
			if base == "main" {
				f.Role = manifest.RoleMain
			}
		}
		m.Files = append(m.Files, f)
	}
	var err error
	p.json, err = manifest.Format(m)
	must(t, err)
	return p
}

func (p plugin) open(f manifest.File) (io.ReadCloser, int64, error) {
	text, ok := p.files[f.Path]
	if !ok {
		return nil, 0, errors.New("no such file")
	}
	return io.NopCloser(strings.NewReader(text)), int64(len(text)), nil
}

func pack(t testing.TB, p plugin) *Artifact {
	t.Helper()
	a, err := Pack(p.json, p.open)
	must(t, err)
	return a
}

// serve starts a registry on loopback; wrap may put something before it.
func serve(t *testing.T, referrers bool, wrap func(http.Handler) http.Handler) (host string) {
	t.Helper()
	h := fake.New(fake.Logger(log.New(io.Discard, "", 0)), fake.WithReferrersSupport(referrers))
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

func repository(t *testing.T, name string) Repository {
	t.Helper()
	r, err := Registry(registry.New(registry.Options{AuthFiles: []string{}, Pause: time.Millisecond}), name)
	must(t, err)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantKind checks the class of an error and that its text has some words.
func wantKind(t *testing.T, err error, kind registry.Kind, words ...string) {
	t.Helper()
	var e *registry.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error is %v, want one of kind %d", err, kind)
	}
	for _, w := range words {
		if text := e.Error() + " " + e.Help; !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
}

// same checks that an artifact is the one that was packed of a plugin, with all
// its files.
func same(t *testing.T, a *Artifact, p plugin) {
	t.Helper()
	want := pack(t, p)
	if a.Digest() != want.Digest() || a.Release() != want.Release() || !bytes.Equal(a.Plugin(), p.json) || !bytes.Equal(a.Raw(), want.Raw()) {
		t.Errorf("got artifact %s of release %s, want %s of %s", a.Digest(), a.Release(), want.Digest(), want.Release())
	}
	for _, f := range a.Manifest().Files {
		got, err := content(a, f.Digest)
		must(t, err)
		if got != p.files[f.Path] || a.Size(f.Digest) != int64(len(got)) {
			t.Errorf("%s has %d bytes, %d announced", f.Path, len(got), a.Size(f.Digest))
		}
	}
}

func content(a *Artifact, digest string) (string, error) {
	r, err := a.Open(context.Background(), digest)
	if err != nil {
		return "", err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestPack(t *testing.T) {
	p := backend(t, "acme.example/builder", "1.2.3")
	a := pack(t, p)
	same(t, a, p)
	var m v1.Manifest
	must(t, json.Unmarshal(a.Raw(), &m))
	if m.MediaType != "application/vnd.oci.image.manifest.v1+json" || m.ArtifactType != "application/vnd.zlayer.plugin.v1+json" ||
		m.Config.MediaType != "application/vnd.zlayer.plugin.manifest.v1+json" || m.Config.Digest.String() != a.Release() {
		t.Errorf("manifest is %s", a.Raw())
	}
	var layers []string
	for _, l := range m.Layers {
		layers = append(layers, fmt.Sprint(l.MediaType, " ", l.Annotations))
	}
	if diff := cmp.Diff([]string{ // "the same" is one layer
		"application/octet-stream map[org.opencontainers.image.title:linux/main]",
		"application/octet-stream map[org.opencontainers.image.title:linux/data]",
		"application/octet-stream map[org.opencontainers.image.title:darwin/main]",
		"application/wasm map[org.opencontainers.image.title:check.wasm]",
	}, layers); diff != "" {
		t.Error(diff)
	}
}

func TestPackRefuses(t *testing.T) {
	p := backend(t, "builder", "1.0.0")
	_, err := Pack([]byte(`{"schema": 99}`), p.open)
	if schema := (*manifest.SchemaError)(nil); !errors.As(err, &schema) {
		t.Errorf("another schema: %v", err)
	}
	_, err = Pack([]byte(`{"schema": 1}`), p.open)
	if invalid := (*manifest.InvalidError)(nil); !errors.As(err, &invalid) {
		t.Errorf("invalid: %v", err)
	}
	a := pack(t, p)
	p.files["check.wasm"] = "changed since" // of the same size or not, it is another file
	_, err = content(a, digestOf([]byte("wasm of 1.0.0")).String())
	wantKind(t, err, registry.KindDamaged, "zlayer plugin seal")
	wantKind(t, repository(t, serve(t, true, nil)+"/builder").Put(context.Background(), a, "1.0.0"), registry.KindDamaged, "zlayer plugin seal")
	if err := mustLayout(t).Plugin("builder").Put(context.Background(), a, "1.0.0"); err == nil {
		t.Error("a changed file is written to a layout")
	}
	_, err = content(a, digestOf(nil).String())
	wantKind(t, err, registry.KindNotFound)
	delete(p.files, "check.wasm")
	if _, err = Pack(p.json, p.open); err == nil || !strings.Contains(err.Error(), "check.wasm") {
		t.Errorf("a file is missing: %v", err)
	}
}

func TestTagsOfVersions(t *testing.T) {
	for version, tag := range map[string]string{"1.0.0": "1.0.0", "1.0.0-rc.1": "1.0.0-rc.1", "1.0.0-a+b.5": "1.0.0-a_b.5"} {
		if Tag(version) != tag || Version(tag) != version {
			t.Errorf("%s: tag %s, back %s", version, Tag(version), Version(tag))
		}
	}
}

// testRepository checks what every repository does.
func testRepository(t *testing.T, r Repository, id string) {
	ctx := context.Background()
	_, err := r.Tags(ctx)
	wantKind(t, err, registry.KindNotFound)
	_, err = r.Get(ctx, "1.0.0")
	wantKind(t, err, registry.KindNotFound)

	one, two := backend(t, id, "1.0.0"), backend(t, id, "2.0.0+x")
	a, b := pack(t, one), pack(t, two)
	bundle, other := []byte(`{"signature": 1}`), []byte(`{"signature": 2}`)
	must(t, r.Put(ctx, a, "1.0.0"))
	must(t, r.Put(ctx, b, Tag("2.0.0+x")))
	must(t, r.Put(ctx, b, Tag("2.0.0+x")))
	must(t, r.PutBundle(ctx, a.Digest(), bundle))
	must(t, r.PutBundle(ctx, a.Digest(), other))
	must(t, r.PutBundle(ctx, a.Digest(), bundle))

	tags, err := r.Tags(ctx)
	must(t, err)
	slices.Sort(tags)
	if diff := cmp.Diff([]string{"1.0.0", "2.0.0_x"}, tags); diff != "" {
		t.Error(diff)
	}
	for ref, want := range map[string]plugin{"1.0.0": one, a.Digest(): one, "2.0.0_x": two, b.Digest(): two} {
		got, err := r.Get(ctx, ref)
		must(t, err)
		same(t, got, want)
	}
	found, err := r.Bundles(ctx, a.Digest())
	must(t, err)
	slices.SortFunc(found, bytes.Compare)
	if diff := cmp.Diff([][]byte{bundle, other}, found); diff != "" {
		t.Error(diff)
	}
	if found, err = r.Bundles(ctx, b.Digest()); err != nil || len(found) != 0 {
		t.Errorf("bundles of another release: %q, %v", found, err)
	}
	wantKind(t, r.PutBundle(ctx, a.Digest(), []byte("{")), registry.KindUnsupported, "not a sigstore bundle")
	wantKind(t, r.PutBundle(ctx, digestOf(nil).String(), bundle), registry.KindNotFound)
	_, err = r.Get(ctx, digestOf(nil).String())
	wantKind(t, err, registry.KindNotFound)
	_, err = r.Bundles(ctx, "1.0.0")
	wantKind(t, err, registry.KindReference)
}

func TestRepositories(t *testing.T) {
	t.Run("registry with referrers", func(t *testing.T) {
		testRepository(t, repository(t, serve(t, true, nil)+"/acme/builder"), "acme.example/builder")
	})
	t.Run("registry without referrers", func(t *testing.T) {
		testRepository(t, repository(t, serve(t, false, nil)+"/acme/builder"), "acme.example/builder")
	})
	t.Run("layout", func(t *testing.T) {
		testRepository(t, mustLayout(t).Plugin("acme.example/builder"), "acme.example/builder")
	})
}

// copyAll copies releases of one plugin with their bundles.
func copyAll(t *testing.T, from, to Repository) {
	t.Helper()
	ctx := context.Background()
	tags, err := from.Tags(ctx)
	must(t, err)
	for _, tag := range tags {
		a, err := from.Get(ctx, tag)
		must(t, err)
		must(t, to.Put(ctx, a, tag))
		found, err := from.Bundles(ctx, a.Digest())
		must(t, err)
		for _, b := range found {
			must(t, to.PutBundle(ctx, a.Digest(), b))
		}
	}
}

// untar unpacks an archive into a new folder.
func untar(t *testing.T, archive []byte) string {
	t.Helper()
	dir := t.TempDir()
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return dir
		}
		must(t, err)
		if want := (&tar.Header{Typeflag: tar.TypeReg, Name: h.Name, Size: h.Size, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}); !cmp.Equal(want, h) {
			t.Errorf("header %+v", h)
		}
		file := filepath.Join(dir, h.Name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o700))
		data, err := io.ReadAll(r)
		must(t, err)
		must(t, os.WriteFile(file, data, 0o600))
	}
}

// TestRoundTrip takes two plugins from a registry through a layout and an
// archive to another registry.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	first, last := serve(t, false, nil), serve(t, true, nil)
	l := mustLayout(t)
	ids := []string{"one", "acme.example/two"}
	for _, id := range ids {
		r := repository(t, first+"/"+id)
		for _, version := range []string{"1.0.0", "1.1.0"} {
			a := pack(t, backend(t, id, version))
			must(t, r.Put(ctx, a, version))
			must(t, r.PutBundle(ctx, a.Digest(), fmt.Appendf(nil, `{"of":%q}`, a.Digest())))
		}
		copyAll(t, r, l.Plugin(id))
	}
	var archive, again bytes.Buffer
	must(t, l.WriteTar(ctx, &archive))
	unpacked, err := OpenLayout(untar(t, archive.Bytes()))
	must(t, err)
	defer unpacked.Close()
	must(t, unpacked.WriteTar(ctx, &again))
	if !bytes.Equal(archive.Bytes(), again.Bytes()) {
		t.Error("the archive of the unpacked archive is another one")
	}
	entries, err := unpacked.Entries()
	must(t, err)
	if len(entries) != 4 || entries[0].ID != "acme.example/two" || entries[0].Tag != "1.0.0" {
		t.Errorf("the archive holds %v", entries)
	}
	for _, id := range ids {
		r := repository(t, last+"/"+id)
		copyAll(t, unpacked.Plugin(id), r)
		for _, version := range []string{"1.0.0", "1.1.0"} {
			a, err := r.Get(ctx, version)
			must(t, err)
			same(t, a, backend(t, id, version))
			found, err := r.Bundles(ctx, a.Digest())
			must(t, err)
			if want := fmt.Sprintf(`{"of":%q}`, a.Digest()); len(found) != 1 || string(found[0]) != want {
				t.Errorf("bundles of %s: %q", a.Digest(), found)
			}
		}
	}
}
