// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// key is a trusted public key.
type key struct {
	// file is the base name of its file.
	file string
	// pattern limits the ids of plugins it may sign; "" does not.
	pattern string
	// sum is the SHA-256 of the key in DER.
	sum [sha256.Size]byte
	// digests and envelopes are the ways to check its signatures over a SHA-256
	// digest, and over a DSSE envelope.
	digests, envelopes []root.TrustedMaterial
}

// openKey reads a key as the setting names it, "FILE" or "PATTERN=FILE".
func openKey(value string) (key, error) {
	pattern, file, ok := strings.Cut(value, "=")
	if !ok {
		pattern, file = "", value
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return key{}, fmt.Errorf("%q before the file %s is no pattern: %w", pattern, file, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return key{}, fmt.Errorf("reading a public key: %w", err)
	}
	public, err := parsePublic(data)
	if err != nil {
		return key{}, fmt.Errorf("%s: %w", file, err)
	}
	k := key{file: filepath.Base(file), pattern: pattern}
	if k.sum, err = sum(public); err != nil {
		return key{}, fmt.Errorf("%s: %w", file, err)
	}
	if k.digests, k.envelopes, err = ways(public); err != nil {
		return key{}, fmt.Errorf("%s: %w", file, err)
	}
	return k, nil
}

// parsePublic reads a public key in PEM.
func parsePublic(data []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(data)
	if block != nil && strings.Contains(block.Type, "PRIVATE KEY") {
		return nil, errors.New("this is a private key; name the public one, and keep this where only its owner can read it")
	}
	public, err := cryptoutils.UnmarshalPEMToPublicKey(data)
	if err != nil {
		return nil, fmt.Errorf("this is no public key in PEM: %w", err)
	}
	return public, nil
}

// sum returns the SHA-256 of a public key in DER.
func sum(public crypto.PublicKey) ([sha256.Size]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(der), nil
}

// ways returns the ways to check a key's signatures. cosign has changed its
// mind on P-384 and Ed25519 more than once, so both of its ways are taken. A
// digest is SHA-256 here, and Ed25519 cannot sign one: its plain form wants the
// message, its prehashed form a SHA-512.
func ways(public crypto.PublicKey) (digests, envelopes []root.TrustedMaterial, err error) {
	switch k := public.(type) {
	case *rsa.PublicKey:
		digests, err = hashed(k, crypto.SHA256)
		return digests, digests, err
	case *ecdsa.PublicKey:
		switch k.Curve {
		case elliptic.P256():
			digests, err = hashed(k, crypto.SHA256)
			return digests, digests, err
		case elliptic.P384():
			digests, err = hashed(k, crypto.SHA256)
			if err == nil {
				envelopes, err = hashed(k, crypto.SHA256, crypto.SHA384)
			}
			return digests, envelopes, err
		}
	case ed25519.PublicKey:
		plain, plainErr := signature.LoadED25519Verifier(k)
		prehashed, err := signature.LoadED25519phVerifier(k)
		return nil, []root.TrustedMaterial{material(plain), material(prehashed)}, errors.Join(plainErr, err)
	}
	return nil, nil, fmt.Errorf("keys are ECDSA on P-256 or P-384, RSA or Ed25519, and this is %s", kind(public))
}

// kind names the kind of a key.
func kind(public crypto.PublicKey) string {
	if k, ok := public.(*ecdsa.PublicKey); ok {
		return "ECDSA on " + k.Params().Name
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", public), "*")
}

// hashed returns the ways to check signatures over hashes.
func hashed(public crypto.PublicKey, hashes ...crypto.Hash) ([]root.TrustedMaterial, error) {
	var ms []root.TrustedMaterial
	for _, h := range hashes {
		v, err := signature.LoadVerifier(public, h)
		if err != nil {
			return nil, err
		}
		ms = append(ms, material(v))
	}
	return ms, nil
}

// material trusts one key at any time, by whatever name a bundle calls it.
func material(v signature.Verifier) root.TrustedMaterial {
	forever := root.NewExpiringKey(v, time.Time{}, time.Time{})
	return root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) { return forever, nil })
}

// fits reports whether the key may sign a plugin.
func (k key) fits(id string) bool {
	ok, _ := path.Match(k.pattern, id)
	return ok || k.pattern == ""
}

// hint is the name of the key in bundles.
func hint(sum [sha256.Size]byte) string { return base64.StdEncoding.EncodeToString(sum[:]) }

// fingerprint is the name of the key for people.
func fingerprint(sum [sha256.Size]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// signature is what is said of what the key signed.
func (k key) signature() Signature {
	return Signature{Key: k.file, Fingerprint: fingerprint(k.sum)}
}
