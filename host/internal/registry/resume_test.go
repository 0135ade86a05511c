// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// tokens is a registry that wants a token, which joe's password gets.
type tokens struct {
	// uses is how many requests a token is good for. 0 means any number.
	uses int

	mu    sync.Mutex
	given int
	left  int
}

func (g *tokens) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			basicAuth(http.HandlerFunc(g.give)).ServeHTTP(w, r)
			return
		}
		if !g.good(r) {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (g *tokens) give(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.given++
	g.left = g.uses
	_ = json.NewEncoder(w).Encode(map[string]string{"token": fmt.Sprint("t", g.given)})
}

func (g *tokens) good(r *http.Request) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left--
	return g.given > 0 && r.Header.Get("Authorization") == fmt.Sprint("Bearer t", g.given) && (g.uses == 0 || g.left >= 0)
}

// TestExpiringTokens pushes and reads with tokens that are good for a few
// requests each: one ends before every kind of request.
func TestExpiringTokens(t *testing.T) {
	for uses := 1; uses < 5; uses++ {
		g := &tokens{uses: uses}
		host := serve(t, g.wrap)
		o := Options{AuthFiles: []string{writeAuth(t, host, "s3cret")}}
		img, err := random.Image(3000, 3)
		must(t, err)
		s := dial(t, o, host+"/app")
		must(t, remote.Write(s.Ref(), img, append(s.Options(context.Background()), remote.WithJobs(1))...))
		m, err := img.Manifest()
		must(t, err)
		for _, l := range m.Layers {
			_, err := readBlob(s, l)
			must(t, err)
		}
		if g.given < 3 {
			t.Errorf("%d tokens were enough", g.given)
		}
	}
}

// served counts what a registry sends of blobs.
type served struct {
	requests, parts, bytes atomic.Int64
	// parts are refused where this is set.
	plain bool
}

func (c *served) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			c.requests.Add(1)
			if c.plain {
				r.Header.Del("Range")
			}
			if r.Header.Get("Range") != "" {
				c.parts.Add(1)
			}
			w = &counted{w, &c.bytes}
		}
		next.ServeHTTP(w, r)
	})
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// TestResume breaks a transfer off in the middle: what was read is not sent
// again, where the registry can do that.
func TestResume(t *testing.T) {
	once := func(n int32) bool { return n == 1 }
	for _, plain := range []bool{false, true} {
		for _, auth := range []bool{false, true} {
			t.Run(fmt.Sprintf("plain %v, token %v", plain, auth), func(t *testing.T) {
				c := &served{plain: plain}
				g := &tokens{}
				host := serve(t, func(next http.Handler) http.Handler {
					next = c.wrap(spoil(once, truncate)(next))
					if auth {
						next = g.wrap(next)
					}
					return next
				})
				o := Options{AuthFiles: []string{writeAuth(t, host, "s3cret")}}
				want, data := putAs(t, o, host+"/app")
				got, err := readBlob(dial(t, o, host+"/app"), want)
				if err != nil || !bytes.Equal(got, data) {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				parts, sent := int64(1), want.Size
				if plain {
					parts, sent = 0, want.Size+want.Size/2
				}
				if c.requests.Load() != 2 || c.parts.Load() != parts || c.bytes.Load() != sent {
					t.Errorf("%d requests, %d of them for a part, %d bytes of %d", c.requests.Load(), c.parts.Load(), c.bytes.Load(), want.Size)
				}
			})
		}
	}
}

// TestResumeOddAnswers asks servers for a part that do not know how to answer.
func TestResumeOddAnswers(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter, body []byte){
		"416":           func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusRequestedRangeNotSatisfiable) },
		"earlier start": func(w http.ResponseWriter, body []byte) { part206(w, 10, body) },
		"no header":     func(w http.ResponseWriter, body []byte) { w.WriteHeader(206); w.Write(body[100:]) },
		"later start":   func(w http.ResponseWriter, body []byte) { part206(w, len(body)-1, body) },
	} {
		t.Run(name, func(t *testing.T) {
			host := serve(t, nil)
			want, data := put(t, host+"/app")
			got, err := readBlob(dial(t, Options{}, serve(t, halfThen(answer, data))+"/app"), want)
			if strings.HasSuffix(name, "header") || strings.HasPrefix(name, "later") {
				wantKind(t, err, KindUnreachable, "broke off")
				return
			}
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

// halfThen answers for a blob: at first half of it, and then a request for a
// part as it is told.
func halfThen(answer func(http.ResponseWriter, []byte), data []byte) func(http.Handler) http.Handler {
	var first atomic.Bool
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case !strings.Contains(r.URL.Path, "/blobs/"):
				next.ServeHTTP(w, r)
			case r.Header.Get("Range") != "":
				answer(w, data)
			case first.CompareAndSwap(false, true):
				truncate(w, data)
			default:
				w.Write(data)
			}
		})
	}
}

func part206(w http.ResponseWriter, from int, body []byte) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(body[from:])
}

// TestUploadBreaksOff sends a layer again when the registry drops the
// connection in the middle of it.
func TestUploadBreaksOff(t *testing.T) {
	var uploads atomic.Int32
	host := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPatch && uploads.Add(1) == 1 {
				io.CopyN(io.Discard, r.Body, 100)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	})
	want, data := put(t, host+"/app")
	got, err := readBlob(dial(t, Options{}, host+"/app"), want)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if uploads.Load() < 2 {
		t.Error("nothing was sent again")
	}
}
