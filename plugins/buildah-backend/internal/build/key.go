// SPDX-License-Identifier: Apache-2.0

package build

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/wire"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// cacheVersion changes when the same step makes another layer than before.
const cacheVersion = "2"

// key collects what a step depends on.
type key struct{ sum hash.Hash }

func newKey(platform *irv1.Platform, parent string) *key {
	k := &key{sha256.New()}
	k.add(cacheVersion, platform.GetOs(), platform.GetArchitecture(), platform.GetVariant(), parent)
	return k
}

// add adds texts, each with its length, so that none runs into the next.
func (k *key) add(texts ...string) {
	for _, t := range texts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(t)))
		k.sum.Write(size[:])
		io.WriteString(k.sum, t) //nolint:errcheck // a hash takes anything
	}
}

// message adds a step. Its range and text are outside of it, so they do not
// count.
func (k *key) message(kind string, m wire.Message) error {
	text, err := m.MarshalVT()
	k.add(kind, string(text))
	return err
}

// String returns the key.
func (k *key) String() string { return hex.EncodeToString(k.sum.Sum(nil)) }

// cache knows which layer a key made: a folder of small files, each of which
// appears and changes at once.
type cache struct{ dir string }

func (c cache) path(name string) string { return filepath.Join(c.dir, name[:2], name[2:]) }

// get returns the layer of a key; it may be empty.
func (c cache) get(name string) (layer string, ok bool) {
	text, err := os.ReadFile(c.path(name))
	return string(text), err == nil
}

func (c cache) set(name, layer string) error {
	path := c.path(name)
	f, err := os.CreateTemp(c.dir, "new-")
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(c.dir, 0o700); err == nil {
			f, err = os.CreateTemp(c.dir, "new-")
		}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(layer)
	if err = errors.Join(err, f.Close(), os.MkdirAll(filepath.Dir(path), 0o700)); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
