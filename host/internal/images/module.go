// SPDX-License-Identifier: Apache-2.0

package images

import (
	"fmt"
	"io"
)

// Module returns the WebAssembly module of an artifact that WasmArtifact made.
// The image is named as for Inspect.
func (s *Store) Module(image string) ([]byte, error) {
	entry, err := s.find(image)
	if err != nil {
		return nil, err
	}
	found, err := s.image(entry)
	if err != nil {
		return nil, err
	}
	layers := found.manifest.Layers
	if len(layers) != 1 || layers[0].MediaType != wasmLayerType {
		return nil, &Error{Kind: KindUnsupported, Reference: image, Message: "it is not a wasm artifact"}
	}
	r, err := s.openBlob(layers[0].Digest) // not readBlob: modules may be large
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading module of %s: %w", image, err)
	}
	return data, nil
}
