// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// fault is what a proxy before a registry does to answers; it says whether it
// answered. n counts the requests that it sees, from 1.
type fault func(w http.ResponseWriter, n int32, body []byte) bool

// status answers so often with a status; for ever with times < 0.
func status(code int, times int32, retryAfter string) fault {
	return func(w http.ResponseWriter, n int32, _ []byte) bool {
		if times >= 0 && n > times {
			return false
		}
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
		return true
	}
}

// drop breaks so many connections off in the middle of a body.
func drop(times int32) fault {
	return func(w http.ResponseWriter, n int32, body []byte) bool {
		if n > times {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func replace(change func(body []byte) []byte) fault {
	return func(w http.ResponseWriter, _ int32, body []byte) bool {
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		w.Write(change(body))
		return true
	}
}

// faulty is a registry behind a proxy with a fault, for paths with some text in
// them. It is sound until it is switched on.
func faulty(t *testing.T, path string, f fault) (host string, on *atomic.Bool) {
	t.Helper()
	on = &atomic.Bool{}
	var n atomic.Int32
	host = serve(t, true, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on.Load() || !strings.Contains(r.URL.Path, path) || r.URL.Path == "/v2/" {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			if f(w, n.Add(1), rec.Body.Bytes()) {
				return
			}
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes())
		})
	})
	return host, on
}

func TestFaults(t *testing.T) {
	p := backend(t, "builder", "1.0.0")
	a := pack(t, p)
	main := digestOf([]byte(p.files["linux/main"])).String()
	flip := func(body []byte) []byte { return append([]byte{body[0] ^ 1}, body[1:]...) }
	half := func(body []byte) []byte { return body[:len(body)/2] }
	huge := func([]byte) []byte { return bytes.Repeat([]byte(" "), maxDocument+1) }
	html := func([]byte) []byte { return []byte("<html>") }
	tests := []struct {
		name  string
		path  string
		fault fault
		kind  registry.Kind // 0: all goes well
		words string
	}{
		{"401", "/manifests/", status(401, -1, ""), registry.KindDenied, "log in"},
		{"403", "/manifests/", status(403, -1, ""), registry.KindDenied, "log in"},
		{"404", "/manifests/", status(404, -1, ""), registry.KindNotFound, "nothing by this name"},
		{"403 for a file", "/blobs/" + main, status(403, -1, ""), registry.KindDenied, "log in"},
		{"404 for a file", "/blobs/" + main, status(404, -1, ""), registry.KindNotFound, "nothing by this name"},
		{"429 twice", "/", status(429, 2, "0"), 0, ""},
		{"429 for ever", "/", status(429, -1, "0"), registry.KindUnreachable, "refuses more requests"},
		{"429 for a file for ever", "/blobs/" + main, status(429, -1, "0"), registry.KindUnreachable, "refuses more requests"},
		{"502 once", "/", status(502, 1, ""), 0, ""},
		{"dropped once", "/blobs/" + main, drop(1), 0, ""},
		{"dropped twice", "/blobs/" + main, drop(2), 0, ""},
		{"dropped each time", "/blobs/" + main, drop(99), registry.KindUnreachable, "broke off"},
		{"truncated file", "/blobs/" + main, replace(half), registry.KindDamaged, "ends after"},
		{"wrong file", "/blobs/" + main, replace(flip), registry.KindDamaged, "has digest"},
		{"longer file", "/blobs/" + main, replace(func(b []byte) []byte { return append(b, 'x') }), registry.KindDamaged, "more than"},
		{"wrong configuration", "/blobs/" + a.Release(), replace(flip), registry.KindDamaged, "builder:1.0.0"},
		{"huge manifest", "/manifests/", replace(huge), registry.KindUnsupported, "more than"},
		{"malformed manifest", "/manifests/", replace(html), registry.KindUnsupported, "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, on := faulty(t, tt.path, tt.fault)
			r := repository(t, host+"/builder")
			must(t, r.Put(context.Background(), a, "1.0.0"))
			on.Store(true)
			got, err := r.Get(context.Background(), "1.0.0")
			if err == nil {
				_, err = content(got, main)
			}
			if tt.kind != 0 {
				wantKind(t, err, tt.kind, tt.words)
				return
			}
			must(t, err)
			same(t, got, p)
		})
	}
}

func TestFaultsOfListsAndSignatures(t *testing.T) {
	ctx := context.Background()
	a := pack(t, backend(t, "builder", "1.0.0"))
	bundle := []byte(`{"a":1}`)
	tests := []struct {
		name  string
		path  string
		fault fault
		kind  registry.Kind
		words string
	}{
		{"list of tags", "/tags/", replace(func([]byte) []byte { return []byte("<") }), registry.KindUnreachable, "no registry sends"},
		{"tags denied", "/tags/", status(403, -1, ""), registry.KindDenied, "log in"},
		{"signatures denied", "/referrers/", status(403, -1, ""), registry.KindDenied, "log in"},
		{"wrong bundle", "/blobs/" + digestOf(bundle).String(), replace(func([]byte) []byte { return []byte(`{"b":1}`) }), registry.KindDamaged, "digest"},
		{"bundle is gone", "/blobs/" + digestOf(bundle).String(), status(404, -1, ""), 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host, on := faulty(t, tt.path, tt.fault)
			r := repository(t, host+"/builder")
			must(t, r.Put(ctx, a, "1.0.0"))
			must(t, r.PutBundle(ctx, a.Digest(), bundle))
			on.Store(true)
			_, errTags := r.Tags(ctx)
			found, errBundles := r.Bundles(ctx, a.Digest())
			if err := errors.Join(errTags, errBundles); tt.kind != 0 {
				wantKind(t, err, tt.kind, tt.words)
			} else if err != nil || len(found) != 0 {
				t.Errorf("got %q, %v", found, err)
			}
		})
	}
}

func TestTooManySignatures(t *testing.T) {
	list := make([]v1.Descriptor, maxBundles+1)
	_, err := bundles(context.Background(), digestOf(nil), list, nil, nil)
	wantKind(t, err, registry.KindUnsupported, "more than 100 signatures")
}

func TestUntrustedRegistry(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	_, err := repository(t, strings.TrimPrefix(server.URL, "https://")+"/builder").Get(context.Background(), "1.0.0")
	wantKind(t, err, registry.KindUnreachable, "not trusted")
}

// TestOtherThings gets what is no plugin, or not one that can be used.
func TestOtherThings(t *testing.T) {
	ctx := context.Background()
	host := serve(t, true, nil)
	ref, err := name.ParseReference(host + "/builder:x")
	must(t, err)
	img, err := random.Image(100, 1)
	must(t, err)
	a := pack(t, backend(t, "builder", "1.0.0"))
	r := repository(t, host+"/builder")
	must(t, r.Put(ctx, a, "1.0.0"))
	changed := func(from, to string) func(*testing.T) {
		return func(t *testing.T) {
			if !bytes.Contains(a.Raw(), []byte(from)) {
				t.Fatalf("the manifest has no %q", from)
			}
			must(t, remote.Put(ref, &static{bytes.Replace(a.Raw(), []byte(from), []byte(to), 1)}))
		}
	}
	wasm := digestOf([]byte("wasm of 1.0.0")).String()
	tests := []struct {
		name  string
		put   func(*testing.T)
		words string
	}{
		{"image", func(t *testing.T) { must(t, remote.Write(ref, img)) }, "this is a container image, not a plugin"},
		{"image for several platforms", func(t *testing.T) {
			must(t, remote.WriteIndex(ref, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: img})))
		}, "this is a container image, not a plugin"},
		{"helm chart", func(t *testing.T) {
			must(t, remote.Write(ref, mutate.ConfigMediaType(mutate.MediaType(img, types.OCIManifestSchema1), "application/vnd.cncf.helm.config.v1+json")))
		}, "vnd.cncf.helm.config"},
		{"artifact of another type", changed(`"artifactType":"`+Type, `"artifactType":"application/x-other`), `"application/x-other", not a plugin`},
		{"plugin of another version", changed(ManifestType, "application/vnd.zlayer.plugin.manifest.v2+json"), "update zlayer"},
		{"a file without a layer", func(t *testing.T) {
			m := *a.oci
			m.Layers = m.Layers[:3]
			raw, err := json.Marshal(&m)
			must(t, err)
			must(t, remote.Put(ref, &static{raw}))
		}, "check.wasm of zlayer-plugin.json has no layer"},
		{"two sizes of a layer", changed(wasm, digestOf([]byte(backend(t, "builder", "1.0.0").files["linux/main"])).String()), "wrong size"},
		{"a layer without a file", changed(wasm, digestOf(nil).String()), "is no file of"},
		{"huge configuration", changed(fmt.Sprintf(`"size":%d`, len(a.Plugin())), fmt.Sprintf(`"size":%d`, manifest.MaxSize+1)), "is refused"},
		{"negative size", changed(fmt.Sprintf(`"size":%d`, len(a.Plugin())), `"size":-1`), "is refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.put(t)
			_, err := r.Get(ctx, "x")
			wantKind(t, err, registry.KindUnsupported, tt.words)
		})
	}
}

// static is a manifest as it is.
type static struct{ raw []byte }

func (s *static) RawManifest() ([]byte, error)        { return s.raw, nil }
func (s *static) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }
