// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// parseIdentity reads "issuer=URL,subject=NAME" or
// "issuer=URL,subject-regexp=REGEXP". Commas in the subject are its own.
func parseIdentity(value string) (verify.CertificateIdentity, error) {
	issuer, subject, exact := strings.Cut(value, ",subject=")
	expression, isExpression := "", false
	if !exact {
		issuer, expression, isExpression = strings.Cut(value, ",subject-regexp=")
	}
	issuer, ok := strings.CutPrefix(issuer, "issuer=")
	if !ok || issuer == "" || subject+expression == "" {
		return verify.CertificateIdentity{}, fmt.Errorf("%q must be issuer=URL,subject=NAME or issuer=URL,subject-regexp=REGEXP", value)
	}
	if isExpression {
		// Half a name is somebody else's.
		expression = "^(?:" + expression + ")$"
	}
	identity, err := verify.NewShortCertificateIdentity(issuer, "", subject, expression)
	if err != nil {
		return verify.CertificateIdentity{}, fmt.Errorf("%q: %w", value, err)
	}
	return identity, nil
}

// demands returns what a certificate must come with: all that the trusted root
// can check. With no source of time, certificates must be valid now.
func demands(r *root.TrustedRoot) []verify.VerifierOption {
	var options []verify.VerifierOption
	logs, stamps := len(r.RekorLogs()) > 0, len(r.TimestampingAuthorities()) > 0
	if logs {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if len(r.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	if logs || stamps {
		return append(options, verify.WithObserverTimestamps(1))
	}
	return append(options, verify.WithCurrentTime())
}

// byIdentity finds out whose certificate made a signature.
func (v *Verifier) byIdentity(s *signed, want digest) (Signature, *finding) {
	summary, err := certificate.SummarizeCertificate(s.material.Certificate())
	if err != nil {
		return Signature{}, &finding{Wrong, fmt.Sprintf("its certificate is broken: %v", err)}
	}
	claim := fmt.Sprintf("%s (by %s)", quoted(summary.SubjectAlternativeName), quoted(summary.Issuer))
	if v.certificates == nil {
		return Signature{}, &finding{Untrusted, claim + ", which nothing here can confirm"}
	}
	policy := verify.NewPolicy(verify.WithArtifactDigest("sha256", want[:]), verify.WithoutIdentitiesUnsafe())
	if _, err := v.certificates.Verify(s, policy); err != nil {
		return Signature{}, v.doubt(s, want, claim, err)
	}
	if _, err := v.identities.Verify(summary); err != nil {
		return Signature{}, &finding{Untrusted, claim}
	}
	return Signature{Subject: summary.SubjectAlternativeName, Issuer: summary.Issuer}, nil
}

// doubt says whether a signature is not the certificate's, or the certificate
// not that of whom it claims.
func (v *Verifier) doubt(s *signed, want digest, claim string, err error) *finding {
	if verify.VerifySignatureWithArtifactDigests(s.content, s.material, v.root, want.artifact()) != nil {
		return &finding{Wrong, fmt.Sprintf("it names %s, whose certificate did not make it", claim)}
	}
	return &finding{Untrusted, fmt.Sprintf("%s, which setting %s does not confirm: %v", claim, SettingRoot, err)}
}
