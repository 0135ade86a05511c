// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
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
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			if part := rec.Header().Get("Content-Range"); part != "" {
				w.Header().Set("Content-Range", part)
				w = &partial{w}
			}
			change(w, rec.Body.Bytes())
		})
	}
}

// partial answers that it is a part.
type partial struct{ http.ResponseWriter }

func (p *partial) WriteHeader(int) { p.ResponseWriter.WriteHeader(http.StatusPartialContent) }

func (p *partial) Write(b []byte) (int, error) {
	p.WriteHeader(0)
	return p.ResponseWriter.Write(b)
}

func (p *partial) Flush() { p.ResponseWriter.(http.Flusher).Flush() }

func truncate(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Write(body[:len(body)/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}
