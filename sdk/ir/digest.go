// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Digest returns a digest, "sha256:…", of what a resolved build means: two
// builds have the same exactly when they differ in nothing but ranges.
func Digest(b *irv1.ResolvedBuild) string {
	b = b.CloneVT()
	if w := b.GetWasm(); w != nil {
		w.Range = nil
	}
	for _, s := range b.GetContainer().GetStages() {
		s.Range = nil
		for _, step := range s.Steps {
			step.Range = nil
		}
	}
	return digestOf("zlayer.ir.v1.ResolvedBuild\n", b)
}

// DigestSource returns a digest, "sha256:…", of what a build says: two builds
// have the same exactly when they differ in nothing but ranges, comments and
// the names of files.
func DigestSource(b *irv1.Build) string {
	b = b.CloneVT()
	StripSource(b)
	return digestOf("zlayer.ir.v1.Build\n", b)
}

// StripSource removes ranges, comments and the names of files from a build, in
// place: what DigestSource leaves out.
func StripSource(b *irv1.Build) {
	if b == nil {
		return
	}
	b.Files = nil
	Walk(b, func(_ string, node any) bool {
		setRange(node, nil)
		switch n := node.(type) {
		case *irv1.Stage:
			n.Comment = ""
		case *irv1.Step:
			n.Comment = ""
		}
		return true
	})
}

// digestOf digests the encoding of a message. The encoding is canonical: the IR
// has no maps, and the generated code writes fields in order.
func digestOf(domain string, m interface{ MarshalVT() ([]byte, error) }) string {
	data, err := m.MarshalVT()
	if err != nil {
		// The generated code fails only on types that the IR does not have.
		data = []byte(err.Error())
	}
	sum := sha256.Sum256(append([]byte(domain), data...))
	return "sha256:" + hex.EncodeToString(sum[:])
}
