// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// installing is for the scripts about installing plugins. zlayer has its bundle
// beside it, as it is installed, and each script has servers of its own:
//
//	$REGISTRY  an empty registry
//	$DENIED    a registry that lets nobody in
//	$CLOSED    where nobody listens
//	$HTTPS     the script's folder over https; below /status/CODE, that answer
func installing(t *testing.T, p testscript.Params) testscript.Params {
	t.Helper()
	bin, setup := besideBundle(t), p.Setup
	p.Dir = "testdata/plugin"
	p.Setup = func(e *testscript.Env) error {
		if err := setup(e); err != nil {
			return err
		}
		e.Setenv("PATH", bin+":"+e.Getenv("PATH"))
		e.Setenv("ZLAYER_PLUGIN_DIR", "")
		e.Setenv("BUNDLE", filepath.Join(e.Getenv("REPO"), "bin", "plugins"))
		e.Setenv("REGISTRY", serving(e, registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))))
		e.Setenv("DENIED", serving(e, http.HandlerFunc(deny)))
		e.Setenv("CLOSED", closed(e))
		return servingFiles(e)
	}
	return p
}

// besideBundle is a folder with zlayer, which finds the bundle as it does when it
// is installed.
func besideBundle(t *testing.T) string {
	t.Helper()
	prefix := t.TempDir()
	bin, lib := filepath.Join(prefix, "bin"), filepath.Join(prefix, "lib", "zlayer")
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{bin, lib} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(repository(t), "bin", "plugins"), filepath.Join(lib, "plugins")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "zlayer"), self, 0o755); err != nil {
		t.Fatal(err)
	}
	return bin
}

// serving starts a server for a script and returns its address.
func serving(e *testscript.Env, h http.Handler) string {
	server := httptest.NewServer(h)
	e.Defer(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// deny answers like a registry that does not know who asks.
func deny(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }

// closed is an address where nobody listens.
func closed(e *testscript.Env) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.T().Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	return address
}

// servingFiles starts $HTTPS, whose certificate zlayer trusts.
func servingFiles(e *testscript.Env) error {
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(e.WorkDir)))
	mux.HandleFunc("/status/{code}/", func(w http.ResponseWriter, r *http.Request) {
		code, err := strconv.Atoi(r.PathValue("code"))
		if err != nil {
			code = http.StatusNotFound
		}
		w.WriteHeader(code)
	})
	server := httptest.NewTLSServer(mux)
	e.Defer(server.Close)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that a script means to fail
	e.Setenv("HTTPS", server.URL)
	certificate := filepath.Join(e.WorkDir, "ca.pem")
	e.Setenv("SSL_CERT_FILE", certificate)
	return os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644)
}
