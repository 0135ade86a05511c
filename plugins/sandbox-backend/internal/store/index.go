// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"os"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
)

// ErrDamaged says that a layer is not what its digest says.
var ErrDamaged = errors.New("the layer does not have the digest that it should have")

// Index returns what is in a layer: from the store, or else from the tar of
// src, which is read once, compared with the digest, and noted in the store. A
// tar that is another one wraps ErrDamaged. Of those who ask for the same layer
// at once one reads it, in this process; two processes both do.
func (s *Store) Index(digest string, src layer.Source) (*layer.Layer, error) {
	if _, err := hexOf(digest); err != nil {
		return nil, err
	}
	defer s.lock(s.index(digest))()
	if l := s.readIndex(digest); l != nil {
		return l, nil
	}
	l, err := readTar(src)
	if err == nil && l.Digest != digest {
		err = fmt.Errorf("it is %s: %w", l.Digest, ErrDamaged)
	}
	if err == nil {
		err = s.writeIndex(l)
	}
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", digest, err)
	}
	return l, nil
}

// readTar reads a layer.
func readTar(src layer.Source) (*layer.Layer, error) {
	r, err := src.Stream()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return layer.Index(r)
}

// readIndex returns the index of a layer; nil when there is none that can be
// used.
func (s *Store) readIndex(digest string) *layer.Layer {
	data, err := os.ReadFile(s.index(digest))
	if err != nil {
		return nil
	}
	l, err := layer.Decode(data)
	if err != nil || l.Digest != digest {
		return nil
	}
	return l
}

// writeIndex notes the index of a layer.
func (s *Store) writeIndex(l *layer.Layer) error {
	f, err := os.CreateTemp(s.Temp(), "index-")
	if err != nil {
		return err
	}
	_, err = f.Write(l.Encode())
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), s.index(l.Digest))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
