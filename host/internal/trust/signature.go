// SPDX-License-Identifier: Apache-2.0

package trust

import "fmt"

// Signature says who signed a release: a key, or an identity. It is only made
// of signatures that were verified. The zero value is no signature.
type Signature struct {
	// Key is the base name of the public key's file.
	Key string `json:"key,omitempty"`
	// Fingerprint is "sha256:" and the hexadecimal digest of the key in DER.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Subject is the identity, an address or the URL of a workflow.
	Subject string `json:"subject,omitempty"`
	// Issuer is the URL of who vouches for the subject.
	Issuer string `json:"issuer,omitempty"`
}

// String returns "key release.pem (sha256:…)" or "SUBJECT (by ISSUER)"; "" for
// no signature.
func (s Signature) String() string {
	switch {
	case s.Fingerprint != "":
		return fmt.Sprintf("key %s (%s)", s.Key, s.Fingerprint)
	case s.Subject != "":
		return fmt.Sprintf("%s (by %s)", s.Subject, s.Issuer)
	}
	return ""
}
