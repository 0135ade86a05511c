// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// server is a server of which a test can break the answers.
type server struct {
	*httptest.Server
	// host is "address:port".
	host  string
	fault atomic.Pointer[fault]
}

// fault answers in place of a server, when it does not return false.
type fault func(w http.ResponseWriter, r *http.Request) bool

// breaks makes the server answer with a fault.
func (s *server) breaks(f fault) { s.fault.Store(&f) }

func serve(t testing.TB, secure bool, next http.Handler) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f := s.fault.Load(); f == nil || !(*f)(w, r) {
			next.ServeHTTP(w, r)
		}
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	s.host = s.Listener.Addr().String()
	return s
}

// oci is a registry.
func oci(t testing.TB) *server {
	return serve(t, false, registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
}

// files is a server of files over TLS.
func files(t testing.TB, dir string) *server {
	return serve(t, true, http.FileServerFS(os.DirFS(dir)))
}

// on limits a fault to requests whose path has some text in it.
func on(path string, f http.HandlerFunc) fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, path) || r.URL.Path == "/v2/" {
			return false
		}
		f(w, r)
		return true
	}
}

// status answers with a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(code)
	}
}

// cut announces more than it sends.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "half")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}
