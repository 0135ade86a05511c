// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/host/internal/trust"
)

// release and other are digests of two releases.
var (
	release = digestOf("release")
	other   = digestOf("other")
)

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// pair is a key pair in files.
type pair struct {
	private crypto.Signer
	// secret and public are files.
	secret, public string
}

// newPair makes a key and writes both halves to a new folder. name is that of
// the public one.
func newPair(t testing.TB, name string, private crypto.Signer, err error) pair {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	secretDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return pair{private,
		write(t, dir, name+".secret", pemOf("PRIVATE KEY", secretDER)),
		write(t, dir, name, pemOf("PUBLIC KEY", publicDER))}
}

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func write(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func p256(t testing.TB, name string) pair {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return newPair(t, name, private, err)
}

func p384(t testing.TB, name string) pair {
	private, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	return newPair(t, name, private, err)
}

func rsa2048(t testing.TB, name string) pair {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return newPair(t, name, private, err)
}

func edwards(t testing.TB, name string) pair {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return newPair(t, name, private, err)
}

// signer opens the private half.
func (p pair) signer(t testing.TB) *trust.Signer {
	t.Helper()
	s, err := trust.OpenSigner(p.secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sign signs an OCI artifact, detached a file.
func (p pair) sign(t testing.TB, digest string) []byte {
	t.Helper()
	b, err := p.signer(t).Sign(digest)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (p pair) detached(t testing.TB, digest string) []byte {
	t.Helper()
	b, err := p.signer(t).Detached(digest)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// open opens a verifier.
func open(t testing.TB, c trust.Config) *trust.Verifier {
	t.Helper()
	v, err := trust.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Whoever wrote a setting must find out which, and which file it is about.
func TestOpenNamesSettingAndFile(t *testing.T) {
	dir := t.TempDir()
	k := p256(t, "k.pem")
	garbage := write(t, dir, "garbage.pem", "hello")
	p521, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	large := newPair(t, "large.pem", p521, err)
	for _, tt := range []struct {
		name   string
		config trust.Config
		want   []string
	}{
		{"no such key", trust.Config{Keys: []string{"/none/k.pem"}}, []string{"trusted-key", "/none/k.pem", "no such file"}},
		{"no such key with a pattern", trust.Config{Keys: []string{"a.example/*=/none/k.pem"}}, []string{"trusted-key", "/none/k.pem"}},
		{"a folder", trust.Config{Keys: []string{dir}}, []string{"trusted-key", dir, "is a directory"}},
		{"no key", trust.Config{Keys: []string{k.public, garbage}}, []string{"trusted-key", garbage, "no public key in PEM"}},
		{"a private key", trust.Config{Keys: []string{k.secret}}, []string{"trusted-key", k.secret, "this is a private key"}},
		{"a curve nobody can use", trust.Config{Keys: []string{large.public}}, []string{"trusted-key", large.public, "ECDSA on P-521"}},
		{"a bad pattern", trust.Config{Keys: []string{"a[=" + k.public}}, []string{"trusted-key", `"a["`, k.public}},
		{"an identity without a root", trust.Config{Identities: []string{"issuer=https://i,subject=s"}}, []string{"trusted-identity", "trusted-root"}},
		{"an identity without an issuer", trust.Config{Identities: []string{"subject=s"}}, []string{"trusted-identity", `"subject=s"`, "issuer=URL"}},
		{"an identity without a subject", trust.Config{Identities: []string{"issuer=https://i"}}, []string{"trusted-identity", "subject=NAME"}},
		{"an identity with an empty subject", trust.Config{Identities: []string{"issuer=https://i,subject="}}, []string{"trusted-identity", "subject=NAME"}},
		{"a bad expression", trust.Config{Identities: []string{"issuer=https://i,subject-regexp=("}}, []string{"trusted-identity", "missing closing"}},
		{"no such root", trust.Config{Root: "/none/root.json"}, []string{"trusted-root", "/none/root.json", "no such file"}},
		{"no root", trust.Config{Root: garbage}, []string{"trusted-root", garbage}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := trust.Open(tt.config)
			if err == nil || v != nil {
				t.Fatalf("opened: %v, %v", v, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}
