// SPDX-License-Identifier: Apache-2.0

// Package digest names builds by what they mean. It is apart from package ir
// because package crypto, once imported, weighs on a frontend's WebAssembly
// module even where nothing calls it.
package digest

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// Source returns a digest, "sha256:…", of what a build says: two builds have
// the same exactly when they differ in nothing but ranges, comments and the
// names of files.
func Source(b *irv1.Build) string {
	b = b.CloneVT()
	ir.StripSource(b)
	return of("zlayer.ir.v1.Build\n", b)
}

// Resolved returns a digest, "sha256:…", of what a resolved build means: two
// builds have the same exactly when they differ in nothing but ranges.
func Resolved(b *irv1.ResolvedBuild) string {
	b = b.CloneVT()
	ir.StripResolved(b)
	return of("zlayer.ir.v1.ResolvedBuild\n", b)
}

// of digests the encoding of a message. The encoding is canonical: the IR has
// no maps, and the generated code writes fields in order.
func of(domain string, m interface{ MarshalVT() ([]byte, error) }) string {
	data, err := m.MarshalVT()
	if err != nil {
		// The generated code fails only on types that the IR does not have.
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(append([]byte(domain), data...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
