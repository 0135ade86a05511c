// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// predicate is what a statement says that is a signature of an OCI artifact.
// Others say something about it, and that may be nothing good.
const predicate = "https://sigstore.dev/cosign/sign/v1"

// signed is a bundle that has been read, and nothing more.
type signed struct {
	*bundle.Bundle
	content  verify.SignatureContent
	material verify.VerificationContent
}

// read reads a bundle.
func read(data []byte) (*signed, error) {
	b := new(bundle.Bundle)
	if err := b.UnmarshalJSON(data); err != nil {
		return nil, fmt.Errorf("it is no sigstore bundle: %w", err)
	}
	content, err := b.SignatureContent()
	if err != nil {
		return nil, fmt.Errorf("its signature is broken: %w", err)
	}
	material, err := b.VerificationContent()
	if err != nil {
		return nil, fmt.Errorf("its key or certificate is broken: %w", err)
	}
	return &signed{b, content, material}, nil
}

// covers finds out whether the bundle is a signature over a digest; who made
// it is another question.
func (s *signed) covers(want digest) *finding {
	if m := s.content.MessageSignatureContent(); m != nil {
		return coversMessage(m, want)
	}
	statement, err := s.content.EnvelopeContent().Statement()
	if err != nil {
		return &finding{Wrong, fmt.Sprintf("its statement is broken: %v", err)}
	}
	if statement.GetPredicateType() != predicate {
		return &finding{Unsigned, fmt.Sprintf("a statement of type %s is no signature", quoted(statement.GetPredicateType()))}
	}
	var others []string
	for _, subject := range statement.GetSubject() {
		other := subject.GetDigest()["sha256"]
		if other == hex.EncodeToString(want[:]) {
			return nil
		}
		others = append(others, "sha256:"+other)
	}
	return &finding{Wrong, fmt.Sprintf("it covers %s", quoted(strings.Join(others, " ")))}
}

// coversMessage is covers for a signature over nothing but a digest.
func coversMessage(m verify.MessageSignatureContent, want digest) *finding {
	if m.DigestAlgorithm() != v1.HashAlgorithm_SHA2_256.String() {
		return &finding{Wrong, fmt.Sprintf("it covers a digest of type %s; of a file only %s can be checked, which P-256 and RSA keys sign", m.DigestAlgorithm(), v1.HashAlgorithm_SHA2_256)}
	}
	if !bytes.Equal(m.Digest(), want[:]) {
		return &finding{Wrong, fmt.Sprintf("it covers %s", quoted("sha256:"+hex.EncodeToString(m.Digest())))}
	}
	return nil
}

// digest is a SHA-256.
type digest [sha256.Size]byte

// parseDigest reads "sha256:" and hexadecimal digits.
func parseDigest(text string) (digest, error) {
	digits, ok := strings.CutPrefix(text, "sha256:")
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != sha256.Size || strings.ToLower(digits) != digits {
		return digest{}, fmt.Errorf("%q is no digest: it must be sha256: and 64 hexadecimal digits", text)
	}
	return digest(sum), nil
}

// artifact is the digest as sigstore's functions take it.
func (d digest) artifact() []verify.ArtifactDigest {
	return []verify.ArtifactDigest{{Algorithm: "sha256", Digest: d[:]}}
}
