// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

const (
	titleKey = "org.opencontainers.image.title"
	helpSeal = "run \"zlayer plugin seal\" after the last change of a file"
)

// Pack makes an artifact of a plugin: the bytes of its zlayer-plugin.json, and
// a function that opens one of its files and says its size. The same plugin
// always makes the same artifact. Files are read when the artifact is written
// somewhere; the function may be called at any time until then.
func Pack(plugin []byte, open func(manifest.File) (io.ReadCloser, int64, error)) (*Artifact, error) {
	p, err := parsePlugin(plugin)
	if err != nil {
		return nil, err
	}
	m := &v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: Type,
		Config: v1.Descriptor{MediaType: ManifestType, Digest: digestOf(plugin), Size: int64(len(plugin))},
	}
	files := map[v1.Hash]manifest.File{}
	for _, f := range p.Files {
		h, err := registry.ParseDigest(f.Digest)
		if err != nil {
			return nil, err
		}
		if _, again := files[h]; again {
			continue
		}
		size, err := sizeOf(f, open)
		if err != nil {
			return nil, err
		}
		files[h] = f
		m.Layers = append(m.Layers, v1.Descriptor{
			MediaType: typeOf(f.Path), Digest: h, Size: size, Annotations: map[string]string{titleKey: f.Path},
		})
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	return &Artifact{document{raw: raw, oci: m, config: plugin, open: func(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
		src, _, err := open(files[d.Digest])
		if err != nil {
			return nil, err
		}
		return registry.Checked(src, d, helpSeal), nil
	}}, p}, nil
}

func sizeOf(f manifest.File, open func(manifest.File) (io.ReadCloser, int64, error)) (int64, error) {
	r, size, err := open(f)
	if err != nil {
		return 0, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return size, r.Close()
}

func typeOf(file string) types.MediaType {
	if path.Ext(file) == ".wasm" {
		return wasmType
	}
	return fileType
}
