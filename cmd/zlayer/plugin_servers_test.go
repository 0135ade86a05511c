// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// pluginRegistry is a registry on loopback that can be made slow.
type pluginRegistry struct {
	*httptest.Server
	// pace is how many bytes of a blob it sends in a second. 0: all it can.
	pace atomic.Int64
}

// servePlugins starts an empty registry.
func servePlugins(t *testing.T) *pluginRegistry {
	t.Helper()
	r := &pluginRegistry{}
	fast := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if pace := r.pace.Load(); pace > 0 && strings.Contains(req.URL.Path, "/blobs/") && req.Method == http.MethodGet {
			w = &slow{w, pace}
		}
		fast.ServeHTTP(w, req)
	}))
	t.Cleanup(r.Close)
	return r
}

// at is the address of a repository.
func (r *pluginRegistry) at(name string) string {
	return strings.TrimPrefix(r.URL, "http://") + "/" + name
}

// slow is an answer that takes its time.
type slow struct {
	http.ResponseWriter
	pace int64
}

// Write implements io.Writer.
func (s *slow) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * time.Second / time.Duration(s.pace))
	return s.ResponseWriter.Write(p)
}

// serveFiles serves a folder over https, and returns its URL and the file of
// the certificate to trust.
func serveFiles(t *testing.T, dir string) (server *httptest.Server, certificate string) {
	t.Helper()
	server = httptest.NewTLSServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	certificate = filepath.Join(t.TempDir(), "cert.pem")
	writePEM(t, certificate, "CERTIFICATE", server.Certificate().Raw)
	return server, certificate
}

func writePEM(t *testing.T, path, kind string, content []byte) {
	t.Helper()
	write(t, path, string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})))
}

// signer is a key to sign with.
type signer struct {
	key *ecdsa.PrivateKey
	// private and public are its files.
	private, public string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &signer{key, filepath.Join(dir, "key.pem"), filepath.Join(dir, "key.pub")}
	writePEM(t, s.private, "PRIVATE KEY", private)
	writePEM(t, s.public, "PUBLIC KEY", public)
	return s
}

// sign writes a signature beside a file, as "cosign sign-blob --bundle" does.
func (s *signer) sign(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := json.Marshal(map[string]any{
		"mediaType":            "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": map[string]any{"publicKey": map[string]string{"hint": "somebody"}},
		"messageSignature": map[string]any{
			"messageDigest": map[string]any{"algorithm": "SHA2_256", "digest": sum[:]},
			"signature":     signature,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, file+".sigstore.json", string(bundle))
}
