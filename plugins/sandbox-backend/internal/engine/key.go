// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"

	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// keyVersion changes when the same step makes another layer than before.
const keyVersion = "2"

// key collects what a step depends on.
type key struct{ sum hash.Hash }

// newKey begins the key of a kind of step.
func newKey(kind string, platform *irv1.Platform) *key {
	k := &key{sha256.New()}
	return k.add(keyVersion, kind, platform.GetOs(), platform.GetArchitecture(), platform.GetVariant())
}

// add adds texts, each with its length, so that none runs into the next.
func (k *key) add(texts ...string) *key {
	for _, t := range texts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(t)))
		k.sum.Write(size[:])
		io.WriteString(k.sum, t) //nolint:errcheck // a hash takes anything
	}
	return k
}

// message adds a part of the build. The range and text of a step lie outside
// of it, so they do not count.
func (k *key) message(m interface{ MarshalVT() ([]byte, error) }) error {
	text, err := m.MarshalVT()
	k.add(string(text))
	return err
}

// String returns the key.
func (k *key) String() string { return hex.EncodeToString(k.sum.Sum(nil)) }
