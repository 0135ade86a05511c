// SPDX-License-Identifier: Apache-2.0

package trust

import "errors"

type (
	key        struct{}
	identities struct{}
)

// Open reads the files that the settings name. An error names the setting and
// the file.
func Open(c Config) (*Verifier, error) { return nil, errors.New("signatures are being written") }

// Verify returns the first signature that somebody trusted to sign the plugin
// made over a digest ("sha256:…"), of sigstore bundles in JSON. An *Error says
// that there is none.
func (v *Verifier) Verify(id, digest string, bundles [][]byte) (Signature, error) {
	return Signature{}, errors.New("signatures are being written")
}

// Decide says what a policy makes of a result of Verify. A development install
// is a plain folder of this machine, which nobody signs: it is always accepted,
// and the message marks it.
func Decide(p Policy, s Signature, err error, development bool) Decision { return Decision{} }
