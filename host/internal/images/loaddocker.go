// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/zlayer/zlayer/host/internal/archive"
)

// docker brings an image of Docker's form into the store. It has no manifest
// there, so one is made, in Docker's format: the same archive makes the same.
func (l *loading) docker(image archive.Image) ([]v1.Descriptor, error) {
	raw, err := l.archive.Document(image.Config)
	if err != nil {
		return nil, err
	}
	f, err := parseConfig(raw)
	if err != nil {
		return nil, err
	}
	if len(f.RootFS.DiffIDs) != len(image.Layers) {
		return nil, fmt.Errorf("its %s has %d layers, and %s lists %d", image.Config, len(f.RootFS.DiffIDs), "manifest.json", len(image.Layers))
	}
	m := &v1.Manifest{SchemaVersion: 2, MediaType: types.DockerManifestSchema2, Layers: []v1.Descriptor{}}
	for i, name := range image.Layers {
		d, err := l.layer(name, f.RootFS.DiffIDs[i])
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, d)
	}
	if m.Config, err = l.store.putBlob(raw); err != nil {
		return nil, err
	}
	m.Config.MediaType = types.DockerConfigJSON
	entry, err := l.store.putJSON(m)
	if err != nil {
		return nil, err
	}
	entry.MediaType, entry.Platform = m.MediaType, f.Platform()
	return []v1.Descriptor{entry}, nil
}

// layer brings a layer into the store. One that is compressed with gzip stays
// as it is, any other is compressed as a build's would be.
func (l *loading) layer(name string, diffID v1.Hash) (v1.Descriptor, error) {
	d := v1.Descriptor{MediaType: types.DockerLayer}
	if p, err := l.store.packedAs(diffID, nil); err != nil {
		return d, err
	} else if p != nil {
		d.Digest, d.Size = p.Digest, p.Size
		return d, nil
	}
	f, err := l.archive.Open(name)
	if err != nil {
		return d, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return d, err
	}
	src := bufio.NewReaderSize(l.counted(f, diffID.String(), info.Size()), 1<<16)
	var p *packed
	if archive.Detect(src) == archive.Gzip {
		p, err = l.keepPacked(src, diffID)
	} else {
		p, err = l.pack(src, diffID)
	}
	if err != nil {
		return d, err
	}
	d.Digest, d.Size = p.Digest, p.Size
	return d, nil
}

// pack compresses a layer.
func (l *loading) pack(src io.Reader, diffID v1.Hash) (*packed, error) {
	tar, err := archive.Decompress(src)
	if err != nil {
		return nil, err
	}
	defer tar.Close()
	p, err := l.store.compress(tar, diffID, nil)
	var wrong *Error
	if errors.As(err, &wrong) && wrong.Kind == KindArtifact {
		return nil, wrongLayer(diffID)
	}
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return p, l.store.writeFile(packedName(diffID, nil), data)
}

// keepPacked stores a layer as it is, when it is what it says.
func (l *loading) keepPacked(src io.Reader, diffID v1.Hash) (*packed, error) {
	w, err := l.store.newBlob()
	if err != nil {
		return nil, err
	}
	defer w.discard()
	raw := io.TeeReader(src, w)
	tar, err := archive.Decompress(raw)
	if err != nil {
		return nil, err
	}
	defer tar.Close()
	h := sha256.New()
	if _, err := io.Copy(h, tar); err != nil {
		return nil, err
	}
	if sum(h) != diffID {
		return nil, wrongLayer(diffID)
	}
	if _, err := io.Copy(io.Discard, raw); err != nil { // what follows the end of the compressed data
		return nil, err
	}
	d, err := w.commit()
	return &packed{DiffID: diffID, Digest: d.Digest, Size: d.Size}, err
}

// wrongLayer says that a layer is not what the configuration says.
func wrongLayer(diffID v1.Hash) error {
	return fmt.Errorf("layer %s has another content than its configuration says", diffID)
}
