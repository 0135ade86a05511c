// SPDX-License-Identifier: Apache-2.0

package trust_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/zlayer/zlayer/host/internal/trust"
)

func TestFormsOfPrivateKeys(t *testing.T) {
	ec, rs := p256(t, "ec.pem"), rsa2048(t, "rsa.pem")
	sec1, err := x509.MarshalECPrivateKey(ec.private.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ec.private)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, kind string
		der        []byte
		of         pair
		password   string
	}{
		{"SEC 1", "EC PRIVATE KEY", sec1, ec, ""},
		{"PKCS #1", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rs.private.(*rsa.PrivateKey)), rs, ""},
		{"PKCS #8", "PRIVATE KEY", pkcs8, ec, ""},
		{"cosign", "ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, pkcs8, "secret"), ec, "secret"},
		{"an old cosign", "ENCRYPTED COSIGN PRIVATE KEY", locked(t, pkcs8, "secret"), ec, "secret"},
		{"cosign with an empty password", "ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, pkcs8, ""), ec, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, t.TempDir(), "key.pem", pemOf(tt.kind, tt.der))
			s, err := trust.OpenSigner(file, func() ([]byte, error) {
				if !strings.HasPrefix(tt.kind, "ENCRYPTED") {
					t.Error("asked for a password of a key that has none")
				}
				if tt.password == "" {
					return nil, nil
				}
				return []byte(tt.password), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			b, err := s.Sign(release)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := open(t, trust.Config{Keys: []string{tt.of.public}}).Verify(plugin, release, [][]byte{b}); err != nil || got.Fingerprint != s.Signature("").Fingerprint {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func locked(t testing.TB, der []byte, password string) []byte {
	t.Helper()
	out, err := encrypted.Encrypt(der, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Errors end in logs and bug reports; keys and passwords must not.
func TestErrorsHoldNoSecret(t *testing.T) {
	k := p256(t, "k.pem")
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		t.Fatal(err)
	}
	const password = "hunter2"
	give := func() ([]byte, error) { return []byte(password), nil }
	cut := pkcs8[:len(pkcs8)-10]
	for _, tt := range []struct {
		name, text string
		password   func() ([]byte, error)
		says       string
	}{
		{"not PEM", base64.StdEncoding.EncodeToString(pkcs8), nil, "no private key in PEM"},
		{"DER", string(pkcs8), nil, "no private key in PEM"},
		{"a half", pemOf("PRIVATE KEY", cut), nil, "no private key in PEM"},
		{"another kind", pemOf("OPENSSH PRIVATE KEY", pkcs8), nil, "no private key in PEM"},
		{"a public key", pemOf("PUBLIC KEY", pkcs8), nil, "no private key in PEM"},
		{"the wrong password", pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, pkcs8, "other")), give, "password is wrong"},
		{"damaged", pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", pkcs8), give, "password is wrong, or the file is damaged"},
		{"no password", pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, pkcs8, "x")), nil, "there is no password"},
		{"no answer", pemOf("ENCRYPTED SIGSTORE PRIVATE KEY", locked(t, pkcs8, "x")), func() ([]byte, error) { return nil, errors.New("nobody answered") }, "nobody answered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, t.TempDir(), "key.pem", tt.text)
			s, err := trust.OpenSigner(file, tt.password)
			if err == nil || s != nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), file) {
				t.Fatalf("%v", err)
			}
			for _, secret := range []string{password, string(pkcs8[20:]), base64.StdEncoding.EncodeToString(pkcs8)[8:24]} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%v", err)
				}
			}
		})
	}
	if _, err := trust.OpenSigner("/none/key.pem", nil); err == nil || !strings.Contains(err.Error(), "/none/key.pem") {
		t.Errorf("no file: %v", err)
	}
}
