// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	fake "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// serve starts a registry on loopback; wrap may put something before it.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) (host string) {
	t.Helper()
	h := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// client is one that does not wait long between tries.
func client(o Options) *Client {
	if o.AuthFiles == nil {
		o.AuthFiles = []string{}
	}
	o.Pause = time.Millisecond
	return New(o)
}

func dial(t *testing.T, o Options, ref string) *Session {
	t.Helper()
	s, err := client(o).Dial(ref)
	must(t, err)
	return s
}

// ask gets the manifest that a reference leads to.
func ask(o Options, ref string) error {
	s, err := client(o).Dial(ref)
	if err != nil {
		return err
	}
	ctx := context.Background()
	_, err = s.Puller().Get(ctx, s.Ref())
	return s.Explain(ctx, err)
}

// put writes an image and returns one of its blobs.
func put(t *testing.T, ref string) (v1.Descriptor, []byte) {
	t.Helper()
	return putAs(t, Options{}, ref)
}

// putAs is put with other options.
func putAs(t *testing.T, o Options, ref string) (v1.Descriptor, []byte) {
	t.Helper()
	img, err := random.Image(3000, 1)
	must(t, err)
	s := dial(t, o, ref)
	must(t, remote.Write(s.Ref(), img, s.Options(context.Background())...))
	m, err := img.Manifest()
	must(t, err)
	layers, err := img.Layers()
	must(t, err)
	r, err := layers[0].Compressed()
	must(t, err)
	data, err := io.ReadAll(r)
	must(t, err)
	return m.Layers[0], data
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantKind checks the class of an error and that its text has some words.
func wantKind(t *testing.T, err error, kind Kind, words ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error is %v, want one of kind %d", err, kind)
	}
	for _, w := range words {
		if text := e.Error() + " " + e.Help; !strings.Contains(text, w) {
			t.Errorf("error %q does not say %q", text, w)
		}
	}
}

// answer answers the first n requests, those of the handshake aside, with a
// status; with all of them for n < 0.
func answer(n int32, status int, header http.Header) func(http.Handler) http.Handler {
	var asked atomic.Int32
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v2/" || n >= 0 && asked.Add(1) > n {
				next.ServeHTTP(w, r)
				return
			}
			for k, v := range header {
				w.Header()[k] = v
			}
			w.WriteHeader(status)
		})
	}
}

func TestAnswers(t *testing.T) {
	now, later := http.Header{"Retry-After": {"0"}}, http.Header{"Retry-After": {"31"}}
	past := http.Header{"Retry-After": {"Thu, 01 Jan 1970 00:00:00 GMT"}}
	tests := []struct {
		name  string
		wrap  func(http.Handler) http.Handler
		kind  Kind
		words []string
	}{
		{"401", answer(-1, 401, nil), KindDenied, []string{"refused access", "log in"}},
		{"403", answer(-1, 403, nil), KindDenied, []string{"refused access", "log in"}},
		{"404", nil, KindNotFound, []string{"nothing by this name", "check the name and the tag"}},
		{"500 for ever", answer(-1, 500, nil), KindUnreachable, []string{"status 500", "later"}},
		{"429 for ever, now", answer(-1, 429, now), KindUnreachable, []string{"refuses more requests", "wait"}},
		{"429 for ever, no time", answer(-1, 429, nil), KindUnreachable, []string{"refuses more requests"}},
		{"429 and too long a time", answer(1, 429, later), KindUnreachable, []string{"refuses more requests"}},
		{"429 twice", answer(2, 429, now), KindNotFound, nil},
		{"429 until a moment", answer(1, 429, past), KindNotFound, nil},
		{"503 once", answer(1, 503, nil), KindNotFound, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host := serve(t, tt.wrap)
			wantKind(t, ask(Options{}, host+"/app:1"), tt.kind, append(tt.words, host)...)
		})
	}
}

func TestRetryAfterWithABody(t *testing.T) {
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	resp, err := client(Options{}).HTTP().Post(server.URL, "text/plain", strings.NewReader("all of it"))
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != 429 || fmt.Sprint(bodies) != "[all of it all of it all of it]" {
		t.Errorf("got %s after %q", resp.Status, bodies)
	}
	once := struct{ io.Reader }{strings.NewReader("once")}
	if resp, err = client(Options{}).HTTP().Post(server.URL, "text/plain", once); err != nil || len(bodies) != 4 {
		t.Errorf("a body that can be read only once: %v, %q", err, bodies)
	}
	resp.Body.Close()
}

func TestRetryAfterEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "29")
		w.WriteHeader(http.StatusTooManyRequests)
		cancel()
	}))
	defer server.Close()
	if _, err := client(Options{}).Download(ctx, server.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	wantKind(t, ask(Options{}, "127.0.0.1:1/app"), KindUnreachable, "127.0.0.1:1 does not answer", "check the network")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := dial(t, Options{}, "127.0.0.1:1/app")
	_, err := s.Puller().Get(ctx, s.Ref())
	if err := s.Explain(ctx, err); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := s.Explain(ctx, nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}

// TestInsecureRegistries uses a certificate that nobody vouches for, and an
// address that is not loopback.
func TestInsecureRegistries(t *testing.T) {
	untrusted := httptest.NewUnstartedServer(fake.New(fake.Logger(log.New(io.Discard, "", 0))))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer untrusted.Close()
	host := strings.TrimPrefix(untrusted.URL, "https://")

	wantKind(t, ask(Options{}, host+"/app"), KindUnreachable, "not trusted", "list the registry as insecure")
	wantKind(t, ask(Options{Insecure: []string{host}}, host+"/app"), KindNotFound)
	wantKind(t, ask(Options{Insecure: []string{"127.0.0.1"}}, host+"/app"), KindNotFound)

	_, err := client(Options{}).Download(context.Background(), "http://10.255.255.1:5000/x.tar") // the library alone would try http
	wantKind(t, err, KindUnreachable, "plain http", "refused")
}

func TestBlob(t *testing.T) {
	flip := func(w http.ResponseWriter, body []byte) {
		body[len(body)/2] ^= 1
		w.Write(body)
	}
	longer := func(w http.ResponseWriter, body []byte) { w.Write(append(body, "more"...)) }
	shorter := func(w http.ResponseWriter, body []byte) { w.Write(body[:10]) }
	gone := func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusNotFound) }
	always := func(int32) bool { return true }
	tests := []struct {
		name   string
		which  func(int32) bool
		change func(http.ResponseWriter, []byte)
		kind   Kind
		words  string
	}{
		{"sound", func(int32) bool { return false }, nil, 0, ""},
		{"broken off twice", func(n int32) bool { return n < 3 }, truncate, 0, ""},
		{"broken off each time", always, truncate, KindUnreachable, "broke off again and again"},
		{"flipped bit", always, flip, KindDamaged, "has digest sha256:"},
		{"too long", always, longer, KindDamaged, "more than"},
		{"too short", always, shorter, KindDamaged, "ends after 10 of"},
		{"missing", always, gone, KindNotFound, "nothing by this name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host := serve(t, spoil(tt.which, tt.change))
			want, data := put(t, host+"/app")
			got, err := readBlob(dial(t, Options{}, host+"/app"), want)
			if tt.kind != 0 {
				wantKind(t, err, tt.kind, tt.words)
			} else if err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

func readBlob(s *Session, want v1.Descriptor) ([]byte, error) {
	r, err := s.Blob(context.Background(), want)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestStalledRegistry(t *testing.T) {
	release := make(chan struct{})
	host := serve(t, spoil(func(int32) bool { return true }, func(w http.ResponseWriter, body []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:10])
		w.(http.Flusher).Flush()
		<-release
	}))
	defer close(release)
	want, _ := put(t, host+"/app")
	_, err := readBlob(dial(t, Options{Stall: 50 * time.Millisecond}, host+"/app"), want)
	wantKind(t, err, KindUnreachable, "sent nothing for 50ms")
}

func TestDownload(t *testing.T) {
	body := bytes.Repeat([]byte("archive "), 1000)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/x.tar", http.StatusFound)
		case "/away":
			http.Redirect(w, r, "http://10.255.255.1/x.tar?token=s3cret", http.StatusFound)
		case "/x.tar":
			if asked.Add(1) == 1 {
				truncate(w, body)
			}
			w.Write(body)
		case "/broken":
			truncate(w, body)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	get := func(path string) ([]byte, error) {
		r, err := client(Options{}).Download(context.Background(), strings.Replace(server.URL, "//", "//joe:s3cret@", 1)+path+"?token=s3cret")
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	if got, err := get("/moved"); err != nil || !bytes.Equal(got, body) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for path, want := range map[string]struct {
		kind  Kind
		words string
	}{
		"/none":   {KindNotFound, "check the URL"},
		"/broken": {KindUnreachable, "broke off"},
		"/away":   {KindUnreachable, "plain http"},
	} {
		_, err := get(path)
		wantKind(t, err, want.kind, want.words, server.URL+path)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
	for _, u := range []string{"", "x.tar", "https://", "https://[::1"} {
		_, err := client(Options{}).Download(context.Background(), u)
		wantKind(t, err, KindReference)
	}
}
