// SPDX-License-Identifier: Apache-2.0

package images

import "fmt"

// Module returns the WebAssembly module of an artifact that WasmArtifact made.
// The image is named as for Inspect.
func (s *Store) Module(image string) ([]byte, error) {
	found, err := s.Inspect(image)
	if err != nil {
		return nil, err
	}
	if len(found.manifest.Layers) != 1 || found.manifest.Layers[0].MediaType != wasmLayerType {
		return nil, &Error{Kind: KindUnsupported, Reference: image, Message: "it is not a wasm artifact"}
	}
	data, err := s.readBlob(found.manifest.Layers[0].Digest)
	if err != nil {
		return nil, fmt.Errorf("reading module: %w", err)
	}
	return data, nil
}
