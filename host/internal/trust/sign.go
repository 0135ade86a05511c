// SPDX-License-Identifier: Apache-2.0

package trust

import "errors"

// Signer signs with a private key.
type Signer struct{}

// OpenSigner reads a private key in PEM: PKCS #8, SEC 1, PKCS #1, or as cosign
// encrypts it. Only for an encrypted one, password is asked; it may be nil. No
// error holds anything of the key or the password.
func OpenSigner(file string, password func() ([]byte, error)) (*Signer, error) {
	return nil, errors.New("signatures are being written")
}

// Sign returns a bundle for an OCI artifact with a digest ("sha256:…"), to be
// attached as its referrer: what "cosign sign" makes and "cosign verify" takes.
func (s *Signer) Sign(digest string) ([]byte, error) { return nil, nil }

// Detached returns a bundle for a file with a digest ("sha256:…"), to lie
// beside it: what "cosign sign-blob" makes and "cosign verify-blob" takes.
func (s *Signer) Detached(digest string) ([]byte, error) { return nil, nil }

// Signature returns what a Verifier says of the signer's signatures when it
// trusts the public key from a file with this name.
func (s *Signer) Signature(file string) Signature { return Signature{} }
