// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// entry is an entry of a layer.
type entry struct {
	tar.Header
	content []byte
}

// rewrite changes the blobs of an artifact as the fault wants. What was changed
// is kept in the state folder, from where Export takes it.
func (b *build) rewrite(a *backendv1.Artifact) error {
	if b.fault.layer == nil && b.fault.bytes == nil {
		return nil
	}
	dir, err := os.MkdirTemp(b.start.GetTempDir(), "zoo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &backendv1.ExportRequest{StateDir: b.start.GetStateDir(), Handle: a.GetHandle(), Directory: dir}
	for _, blob := range a.GetBlobs() {
		r.Digests = append(r.Digests, blob.GetDigest())
	}
	if _, err := b.proxy.good.Export(context.Background(), r); err != nil {
		return err
	}
	for _, blob := range a.GetBlobs() {
		if err := b.rewriteBlob(blob, dir); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) rewriteBlob(blob *backendv1.Blob, dir string) error {
	data, err := os.ReadFile(filepath.Join(dir, hexOf(blob.GetDigest())))
	if err != nil {
		return err
	}
	if b.fault.layer != nil {
		data, err = rewriteTar(data, b.fault.layer)
	} else {
		data = b.fault.bytes(data)
	}
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	blob.Digest, blob.Size = "sha256:"+hex.EncodeToString(sum[:]), int64(len(data))
	return keep(b.start.GetStateDir(), blob.GetDigest(), data)
}

// rewriteTar changes the entries of a tar.
func rewriteTar(data []byte, change func([]*entry) []*entry) ([]byte, error) {
	entries, err := readTar(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range change(entries) {
		e.Size = int64(len(e.content))
		if err := w.WriteHeader(&e.Header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}

func readTar(data []byte) ([]*entry, error) {
	var entries []*entry
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		h.Format = tar.FormatPAX
		entries = append(entries, &entry{*h, content})
	}
}

// Blobs that were changed are in a folder of the state.
func keptPath(state, digest string) string { return filepath.Join(state, "zoo", hexOf(digest)) }

func hexOf(digest string) string { return strings.TrimPrefix(digest, "sha256:") }

func keep(state, digest string, data []byte) error {
	path := keptPath(state, digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// takeKept returns what was changed, by digest, and the digests that only the
// good backend has.
func takeKept(r *backendv1.ExportRequest) (kept map[string][]byte, rest []string) {
	kept = map[string][]byte{}
	for _, digest := range r.GetDigests() {
		data, err := os.ReadFile(keptPath(r.GetStateDir(), digest))
		if err != nil {
			rest = append(rest, digest)
			continue
		}
		kept[digest] = data
	}
	return kept, rest
}
