// SPDX-License-Identifier: Apache-2.0

package host

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// bomb is a small gzip of a tar with a large file.
func bomb(t *testing.T) []byte {
	t.Helper()
	const size = 4 << 20
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	err := w.WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Mode: 0o644, Size: size})
	if err == nil {
		_, err = w.Write(make([]byte, size))
	}
	if err := errors.Join(err, w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// strangers is a server that does what its paths say. Asked is told of every
// request.
func strangers(t *testing.T, asked func()) http.Handler {
	t.Helper()
	packed := bomb(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/silent/", func(_ http.ResponseWriter, r *http.Request) {
		asked()
		<-r.Context().Done()
	})
	mux.HandleFunc("/bomb", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, strings.Repeat("LABEL a=b\n", 1000)); err != nil {
				return
			}
		}
	})
	return mux
}

// fetching begins a Fetch with little room.
func fetching(t *testing.T, r Request) (h *Host, f *Fetched) {
	t.Helper()
	h, err := Open(Config{DataDir: t.TempDir(), Environ: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h, &Fetched{Request: r, host: h, emit: newEmitter(nil), limit: 1 << 20}
}

// nothingLeft looks for what remains of contexts.
func nothingLeft(t *testing.T, h *Host) {
	t.Helper()
	if entries, err := os.ReadDir(h.path("jobs", contextJobs)); err != nil || len(entries) > 0 {
		t.Errorf("there is %v left, %v", entries, err)
	}
}

// What strangers serve is bounded, and each error says what to do.
func TestFetchBounds(t *testing.T) {
	server := httptest.NewServer(strangers(t, func() {}))
	t.Cleanup(server.Close)
	unknown := httptest.NewUnstartedServer(http.NotFoundHandler())
	unknown.Config.ErrorLog = log.New(io.Discard, "", 0)
	unknown.StartTLS()
	t.Cleanup(unknown.Close)
	for name, tt := range map[string]struct {
		c          Context
		want, help string
	}{
		"silent":          {Context{URL: server.URL + "/silent/x"}, "the server sent nothing for 1s", "check the URL and the network"},
		"bomb":            {Context{URL: server.URL + "/bomb"}, "it has more than 1 MiB", "leave out of it"},
		"endless":         {Context{URL: server.URL + "/endless"}, "it has more than 1 MiB", "leave out of it"},
		"certificate":     {Context{URL: unknown.URL + "/x"}, "certificate", "SSL_CERT_FILE"},
		"silent git":      {Context{Git: server.URL + "/silent/x.git"}, "Operation too slow", "sends nothing"},
		"git certificate": {Context{Git: unknown.URL + "/x.git"}, "certificate", "http.sslCAInfo"},
		"nobody":          {Context{Git: "http://127.0.0.1:1/x.git"}, "onnect", "git ls-remote"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, f := fetching(t, Request{Context: tt.c})
			if strings.Contains(tt.c.String(), "/silent/") {
				f.patience = time.Second
			}
			_, err := h.fetchContexts(t.Context(), f)
			var input *InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), tt.want) || !strings.Contains(input.Help, tt.help) {
				t.Errorf("the error is %v, with help %q", err, input.Help)
			}
			nothingLeft(t, h)
		})
	}
}

// A user who has enough of waiting is free at once, and nothing is left.
func TestFetchIsInterrupted(t *testing.T) {
	for _, path := range []string{"x", "x.git"} {
		t.Run(path, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			server := httptest.NewServer(strangers(t, cancel))
			defer server.Close()
			c, err := ParseContext(server.URL + "/silent/" + path)
			if err != nil {
				t.Fatal(err)
			}
			h, f := fetching(t, Request{Contexts: map[string]Context{"a": c}})
			if _, err := h.fetchContexts(ctx, f); !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
			nothingLeft(t, h)
		})
	}
}

// The next build removes what a killed one left, whatever its modes.
func TestFetchAfterAKilledOne(t *testing.T) {
	h, f := fetching(t, Request{Context: Context{Stream: strings.NewReader("FROM scratch\n")}})
	dead, err := h.newJobDir(contextJobs)
	if err == nil {
		err = errors.Join(os.Mkdir(dead.exports()+"/closed", 0o000), dead.lock.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.fetchContexts(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if string(f.Request.Source.Content) != "FROM scratch\n" {
		t.Errorf("the build file is %+v", f.Request.Source)
	}
	f.Close()
	nothingLeft(t, h)
}
