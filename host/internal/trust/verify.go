// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Verify returns the first signature that somebody trusted to sign the plugin
// made over a digest ("sha256:…"), of sigstore bundles in JSON. An *Error says
// that there is none.
//
// A signature of a key needs no entry in a transparency log and no timestamp,
// as with "cosign verify --key --insecure-ignore-tlog": whoever named the key
// knows its owner, and a log would tell the owner of signatures they did not
// make, which nobody would read here. An entry of a log that the trusted root
// knows must be right, though. A certificate is short-lived, and is only good
// with whatever logs and timestamps the trusted root has keys for.
func (v *Verifier) Verify(id, subject string, bundles [][]byte) (Signature, error) {
	want, err := parseDigest(subject)
	if err != nil {
		return Signature{}, err
	}
	failure := &Error{Problem: Unsigned, Digest: subject, Nobody: v.nobody()}
	for _, data := range bundles {
		s, f := v.check(id, want, data)
		if f == nil {
			return s, nil
		}
		failure.add(f)
	}
	return Signature{}, failure
}

// check finds out who made one bundle.
func (v *Verifier) check(id string, want digest, data []byte) (Signature, *finding) {
	s, err := read(data)
	if err != nil {
		return Signature{}, &finding{Wrong, err.Error()}
	}
	if f := s.covers(want); f != nil {
		return Signature{}, f
	}
	if s.material.Certificate() != nil {
		return v.byIdentity(s, want)
	}
	return v.byKey(id, s, want)
}

// byKey finds the key that made a signature. A key may be listed more than
// once, for several patterns.
func (v *Verifier) byKey(id string, s *signed, want digest) (Signature, *finding) {
	f := v.stranger(s)
	for _, k := range v.keys {
		way := k.made(s, want)
		if way == nil {
			continue
		}
		if !k.fits(id) {
			f = &finding{Untrusted, fmt.Sprintf("%s is trusted for %s only, and this is %s", k.signature(), k.pattern, id)}
			continue
		}
		if err := v.logged(s, way); err != nil {
			return Signature{}, &finding{Wrong, fmt.Sprintf("its entry in the transparency log is not right: %v", err)}
		}
		return k.signature(), nil
	}
	return Signature{}, f
}

// made returns the way to check the signature by which the key made it, or nil
// when it did not.
func (k key) made(s *signed, want digest) root.TrustedMaterial {
	ways := k.digests
	if s.content.EnvelopeContent() != nil {
		ways = k.envelopes
	}
	i := slices.IndexFunc(ways, func(way root.TrustedMaterial) bool {
		return verify.VerifySignatureWithArtifactDigests(s.content, s.material, way, want.artifact()) == nil
	})
	if i < 0 {
		return nil
	}
	return ways[i]
}

// stranger says whom a bundle names as its signer when no trusted key is.
func (v *Verifier) stranger(s *signed) *finding {
	name := s.material.PublicKey().Hint()
	i := slices.IndexFunc(v.keys, func(k key) bool { return hint(k.sum) == name })
	if i >= 0 {
		return &finding{Wrong, fmt.Sprintf("it names %s, which did not make it", v.keys[i].signature())}
	}
	if name == "" {
		return &finding{Untrusted, "a key that it does not name"}
	}
	if sum, err := base64.StdEncoding.DecodeString(name); err == nil && len(sum) == sha256.Size {
		return &finding{Untrusted, "the key sha256:" + hex.EncodeToString(sum)}
	}
	return &finding{Untrusted, "a key called " + quoted(name)}
}

// logged checks the entries of the logs that the trusted root knows. Others
// cannot be checked, and say nothing.
func (v *Verifier) logged(s *signed, way root.TrustedMaterial) error {
	if v.root == nil {
		return nil
	}
	entries, err := s.TlogEntries()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, e := range entries {
		if id := hex.EncodeToString([]byte(e.LogKeyID())); v.root.RekorLogs()[id] != nil {
			known[id] = true
		}
	}
	_, err = verify.VerifyTlogEntry(s, root.TrustedMaterialCollection{way, v.root}, len(known), false)
	return err
}
