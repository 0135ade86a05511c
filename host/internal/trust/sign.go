// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"

	in_toto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	protobundle "github.com/sigstore/protobuf-specs/gen/pb-go/bundle/v1"
	protocommon "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	protodsse "github.com/sigstore/protobuf-specs/gen/pb-go/dsse"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"
)

// Signer signs with a private key. All keys sign SHA-256, P-384 too: it is what
// "cosign verify --key" takes without being told.
type Signer struct {
	signer signature.Signer
	public crypto.PublicKey
	sum    [sha256.Size]byte
}

// OpenSigner reads a private key in PEM: PKCS #8, SEC 1, PKCS #1, or as cosign
// encrypts it. Only for an encrypted one, password is asked; it may be nil. No
// error holds anything of the key or the password.
func OpenSigner(file string, password func() ([]byte, error)) (*Signer, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading the private key: %w", err)
	}
	s, err := parseSigner(data, password)
	if err != nil {
		return nil, fmt.Errorf("the private key %s: %w", file, err)
	}
	return s, nil
}

// parseSigner is OpenSigner for what the file holds.
func parseSigner(data []byte, password func() ([]byte, error)) (*Signer, error) {
	private, err := parsePrivate(data, password)
	if err != nil {
		return nil, err
	}
	signer, err := signature.LoadSigner(private, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	public, err := signer.PublicKey()
	if err != nil {
		return nil, err
	}
	// What could not be checked is not signed.
	if _, _, err := ways(public); err != nil {
		return nil, err
	}
	sum, err := sum(public)
	return &Signer{signer, public, sum}, err
}

// parsePrivate reads a private key in PEM. What the parsers say is dropped:
// it could hold a part of the key.
func parsePrivate(data []byte, password func() ([]byte, error)) (crypto.PrivateKey, error) {
	var asked bool
	var refused error
	private, err := cryptoutils.UnmarshalPEMToPrivateKey(data, func(bool) (pass []byte, _ error) {
		asked = true
		if password == nil {
			refused = errors.New("it is encrypted, and there is no password for it")
			return nil, refused
		}
		pass, refused = password()
		// To the parser, nil is no encryption; to cosign, an empty password is one.
		return append([]byte{}, pass...), refused
	})
	switch {
	case refused != nil:
		return nil, refused
	case err != nil && asked:
		return nil, errors.New("the password is wrong, or the file is damaged")
	case err != nil:
		return nil, errors.New("this is no private key in PEM")
	}
	return private, nil
}

// Signature returns what a Verifier says of the signer's signatures when it
// trusts the public key from a file with this name.
func (s *Signer) Signature(file string) Signature {
	return Signature{Key: file, Fingerprint: fingerprint(s.sum)}
}

// Sign returns a bundle for an OCI artifact with a digest ("sha256:…"), to be
// attached as its referrer: what "cosign sign" makes and "cosign verify" takes.
func (s *Signer) Sign(subject string) ([]byte, error) {
	sum, err := parseDigest(subject)
	if err != nil {
		return nil, err
	}
	payload, err := protojson.Marshal(&in_toto.Statement{
		Type:          in_toto.StatementTypeUri,
		Subject:       []*in_toto.ResourceDescriptor{{Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}}},
		PredicateType: predicate,
		Predicate:     new(structpb.Struct),
	})
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", subject, err)
	}
	sig, err := s.signer.SignMessage(bytes.NewReader(dsse.PAE(bundle.IntotoMediaType, payload)))
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", subject, err)
	}
	return s.bundle(&protobundle.Bundle{Content: &protobundle.Bundle_DsseEnvelope{DsseEnvelope: &protodsse.Envelope{
		Payload:     payload,
		PayloadType: bundle.IntotoMediaType,
		Signatures:  []*protodsse.Signature{{Sig: sig}},
	}}})
}

// Detached returns a bundle for a file with a digest ("sha256:…"), to lie
// beside it: what "cosign sign-blob" makes and "cosign verify-blob" takes. An
// Ed25519 key cannot sign a digest.
func (s *Signer) Detached(subject string) ([]byte, error) {
	sum, err := parseDigest(subject)
	if err != nil {
		return nil, err
	}
	if _, ok := s.public.(ed25519.PublicKey); ok {
		return nil, errors.New("an Ed25519 key cannot sign a file by its digest; sign with an ECDSA or RSA key, or publish to a registry")
	}
	sig, err := s.signer.SignMessage(nil, options.WithDigest(sum[:]))
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", subject, err)
	}
	return s.bundle(&protobundle.Bundle{Content: &protobundle.Bundle_MessageSignature{MessageSignature: &protocommon.MessageSignature{
		MessageDigest: &protocommon.HashOutput{Algorithm: protocommon.HashAlgorithm_SHA2_256, Digest: sum[:]},
		Signature:     sig,
	}}})
}

// bundle completes a bundle and writes it as JSON.
func (s *Signer) bundle(b *protobundle.Bundle) ([]byte, error) {
	mediaType, err := bundle.MediaTypeString("v0.3")
	if err != nil {
		return nil, fmt.Errorf("writing a signature: %w", err)
	}
	b.MediaType = mediaType
	b.VerificationMaterial = &protobundle.VerificationMaterial{
		Content: &protobundle.VerificationMaterial_PublicKey{PublicKey: &protocommon.PublicKeyIdentifier{Hint: hint(s.sum)}},
	}
	data, err := protojson.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("writing a signature: %w", err)
	}
	return data, nil
}
