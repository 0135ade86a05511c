// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// spoil changes the bodies of blobs for which which is true.
func spoil(which func(n int32) bool, change func(w http.ResponseWriter, body []byte)) func(http.Handler) http.Handler {
	var n atomic.Int32
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") || !which(n.Add(1)) {
				next.ServeHTTP(w, r)
				return
			}
			rec := &recorder{header: http.Header{}}
			next.ServeHTTP(rec, r)
			change(w, rec.body)
		})
	}
}

type recorder struct {
	header http.Header
	body   []byte
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(p []byte) (int, error) { r.body = append(r.body, p...); return len(p), nil }

func TestBrokenBlobs(t *testing.T) {
	truncate := func(w http.ResponseWriter, body []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	flip := func(w http.ResponseWriter, body []byte) {
		body[len(body)/2] ^= 1
		w.Write(body)
	}
	longer := func(w http.ResponseWriter, body []byte) { w.Write(append(body, "more"...)) }
	always := func(int32) bool { return true }
	once := func(n int32) bool { return n == 2 }
	tests := []struct {
		name   string
		which  func(int32) bool
		change func(http.ResponseWriter, []byte)
		kind   registry.Kind
	}{
		{"truncated", always, truncate, registry.KindUnreachable},
		{"flipped bit", always, flip, registry.KindDamaged},
		{"too long", always, longer, registry.KindDamaged},
		{"truncated once", once, truncate, 0},
		{"flipped once", once, flip, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			host := serve(t, spoil(tt.which, tt.change))
			write(t, host+"/app", randomImage(t, "linux/amd64"))
			s := openStore(t, registry.Options{})
			img, err := s.Resolve(context.Background(), Request{Reference: host + "/app", Platform: amd64()})
			if tt.kind == 0 {
				if err != nil {
					t.Fatal(err)
				}
				checkLayout(t, s.Dir(), img.Digest)
				return
			}
			wantRegistry(t, err, tt.kind)
			if list, err := s.List(); err != nil || len(list) != 0 {
				t.Errorf("half an image is listed: %v, %v", list, err)
			}
			if left, _ := os.ReadDir(s.path(tempDir)); len(left) != 0 {
				t.Errorf("temporary files are left: %v", left)
			}
		})
	}
}

func TestWrongManifestIsRefused(t *testing.T) {
	other := randomImage(t, "linux/amd64")
	raw, err := other.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/sha256:") {
				w.Header().Set("Content-Type", string(types.DockerManifestSchema2))
				w.Write(raw)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	img := randomImage(t, "linux/amd64")
	write(t, host+"/app", img)
	_, err = openStore(t, registry.Options{}).Resolve(context.Background(), Request{Reference: host + "/app@" + digestOf(t, img), Platform: amd64()})
	wantRegistry(t, err, registry.KindDamaged)
}

func TestStalledRegistry(t *testing.T) {
	release := make(chan struct{})
	host := serve(t, spoil(func(n int32) bool { return n > 1 }, func(w http.ResponseWriter, body []byte) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.Write(body[:10])
		w.(http.Flusher).Flush()
		<-release
	}))
	defer close(release)
	write(t, host+"/app", randomImage(t, "linux/amd64"))
	_, err := openStore(t, registry.Options{Stall: 50 * time.Millisecond}).Resolve(context.Background(), Request{Reference: host + "/app", Platform: amd64()})
	wantRegistry(t, err, registry.KindUnreachable, "50ms")
}

func TestUnreachable(t *testing.T) {
	s := openStore(t, registry.Options{})
	_, err := s.Resolve(context.Background(), Request{Reference: "127.0.0.1:1/app"})
	wantRegistry(t, err, registry.KindUnreachable, "does not answer", "--pull never")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Resolve(ctx, Request{Reference: "127.0.0.1:1/app"}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("cancelled: %v", err)
	}
}

func TestProgressReachesTotal(t *testing.T) {
	host := serve(t, nil)
	img := randomImage(t, "linux/amd64")
	write(t, host+"/app", img)
	var mu sync.Mutex
	last := map[string][2]int64{}
	s := openStore(t, registry.Options{})
	got, err := s.Resolve(context.Background(), Request{Reference: host + "/app", Platform: amd64(), Progress: func(name string, current, total int64) {
		mu.Lock()
		defer mu.Unlock()
		last[name] = [2]int64{current, total}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got.Layers {
		if last[l.Digest] != [2]int64{l.Size, l.Size} {
			t.Errorf("layer %s of %d bytes: last report %v", l.Digest, l.Size, last[l.Digest])
		}
	}
}
