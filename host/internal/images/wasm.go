// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// Media types of the Wasm OCI artifact layout (CNCF TAG Runtime).
const (
	wasmConfigType types.MediaType = "application/vnd.wasm.config.v0+json"
	wasmLayerType  types.MediaType = "application/wasm"
)

// Module is a WebAssembly module to be made into an OCI artifact.
type Module struct {
	// Path is the file with the module.
	Path string
	// Blob is what the backend says of it.
	Blob *backendv1.Blob
	// Labels become annotations of the manifest.
	Labels []*irv1.KeyValue
	// Author is who made it. May be empty.
	Author string
	// Epoch is SOURCE_DATE_EPOCH in seconds. Nil when not set.
	Epoch *int64
	// Created is the time of the artifact when there is no Epoch. Zero means
	// now.
	Created time.Time
}

// wasmConfig is the configuration of a wasm artifact. Author and component are
// null when there is none, as other tools write it.
type wasmConfig struct {
	Created      time.Time `json:"created"`
	Author       *string   `json:"author"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	LayerDigests []v1.Hash `json:"layerDigests"`
	Component    any       `json:"component"`
}

// wasiModule is how a core module starts: "\0asm" and version 1.
var wasiModule = [8]byte{0, 'a', 's', 'm', 1, 0, 0, 0}

// WasmArtifact puts a WASI preview1 module into the store as an OCI artifact
// with one layer, without a reference. A WebAssembly component is refused.
func (s *Store) WasmArtifact(ctx context.Context, m Module) (*Image, error) {
	if err := checkEpoch(m.Epoch); err != nil {
		return nil, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	layer, err := s.putModule(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("storing module %s: %w", m.Path, err)
	}
	created := (&Build{Epoch: m.Epoch, Created: m.Created}).created()
	doc := wasmConfig{
		Created: created.Time, Architecture: "wasm", OS: "wasip1",
		LayerDigests: []v1.Hash{layer.Digest},
	}
	if m.Author != "" {
		doc.Author = &m.Author
	}
	config, err := s.putJSON(doc)
	if err != nil {
		return nil, fmt.Errorf("storing module configuration: %w", err)
	}
	config.MediaType = wasmConfigType
	return s.putManifest(ctx, &v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: config, Layers: []v1.Descriptor{layer}, Annotations: stringMap(m.Labels),
	}, &v1.Platform{OS: doc.OS, Architecture: doc.Architecture})
}

// putModule stores the module itself as a blob.
func (s *Store) putModule(ctx context.Context, m Module) (v1.Descriptor, error) {
	want, err := artifactDigest(m.Blob.GetDigest())
	if err != nil {
		return v1.Descriptor{}, err
	}
	f, err := os.Open(m.Path)
	if err != nil {
		return v1.Descriptor{}, artifactError(want.String(), "the backend did not export it", err)
	}
	defer f.Close()
	if err := checkModule(f); err != nil {
		return v1.Descriptor{}, artifactError(want.String(), "the backend exported something else", err)
	}
	w, err := s.newBlob()
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer w.discard()
	if _, err := io.Copy(w, &ctxReader{ctx, f}); err != nil {
		return v1.Descriptor{}, err
	}
	if got := sum(w.hash); got != want {
		return v1.Descriptor{}, artifactError(want.String(), fmt.Sprintf("the backend exported something else, with digest %s", got), nil)
	}
	d, err := w.commit()
	d.MediaType = wasmLayerType
	return d, err
}

// checkModule looks at the first bytes.
func checkModule(f io.ReadSeeker) error {
	var head [8]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || head != wasiModule {
		return fmt.Errorf("this is not a WebAssembly module, or it is a component, which is not supported")
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}
