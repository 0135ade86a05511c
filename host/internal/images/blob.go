// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxDocument bounds manifests and configurations, which are read into memory.
const maxDocument = 16 << 20

func (s *Store) blobPath(h v1.Hash) string { return s.path(blobsDir, h.Hex) }

// hasBlob says whether a blob is there with its size. Its bytes are checked
// when they are read.
func (s *Store) hasBlob(d v1.Descriptor) bool {
	info, err := os.Stat(s.blobPath(d.Digest))
	return err == nil && info.Mode().IsRegular() && info.Size() == d.Size
}

// blobWriter writes one blob whose digest is known at the end.
type blobWriter struct {
	store *Store
	file  *tempFile
	hash  hash.Hash
	size  int64
}

func (s *Store) newBlob() (*blobWriter, error) {
	f, err := s.temp()
	if err != nil {
		return nil, err
	}
	return &blobWriter{store: s, file: f, hash: sha256.New()}, nil
}

// Write adds bytes.
func (w *blobWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// commit puts the blob into the store and returns its digest and size.
func (w *blobWriter) commit() (v1.Descriptor, error) {
	d := v1.Descriptor{Digest: sum(w.hash), Size: w.size}
	if w.store.hasBlob(d) {
		return d, nil
	}
	if err := w.file.rename(w.store.blobPath(d.Digest)); err != nil {
		return d, fmt.Errorf("writing blob %s: %w", d.Digest, err)
	}
	return d, nil
}

// discard removes what was not committed.
func (w *blobWriter) discard() { w.file.discard() }

// putBlob stores bytes.
func (s *Store) putBlob(data []byte) (v1.Descriptor, error) {
	w, err := s.newBlob()
	if err != nil {
		return v1.Descriptor{}, err
	}
	defer w.discard()
	if _, err := w.Write(data); err != nil {
		return v1.Descriptor{}, fmt.Errorf("writing a blob: %w", err)
	}
	return w.commit()
}

// putJSON stores a document as JSON.
func (s *Store) putJSON(doc any) (v1.Descriptor, error) {
	data, err := json.Marshal(doc)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return s.putBlob(data)
}

// openBlob opens a blob. Reading it to its end checks its digest; a blob that
// is damaged is removed, so that it is fetched or built again.
func (s *Store) openBlob(h v1.Hash) (io.ReadCloser, error) {
	f, err := os.Open(s.blobPath(h))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Kind: KindDamaged, Reference: h.String(), Message: "the image store has no such blob",
			Help: "pull or build the image again", Err: err,
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading blob %s: %w", h, err)
	}
	return &blobReader{file: f, hash: sha256.New(), want: h}, nil
}

type blobReader struct {
	file *os.File
	hash hash.Hash
	want v1.Hash
}

// Read reads, and at the end fails instead of io.EOF when the digest is wrong.
func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.hash.Write(p[:n])
	if err == io.EOF && sum(r.hash) != r.want {
		_ = os.Remove(r.file.Name())
		return n, &Error{
			Kind: KindDamaged, Reference: r.want.String(), Message: "the copy in the image store was damaged and has been removed",
			Help: "pull or build the image again, and check the disk",
		}
	}
	return n, err
}

// Close closes the blob.
func (r *blobReader) Close() error { return r.file.Close() }

// readBlob reads a small blob whole.
func (s *Store) readBlob(h v1.Hash) ([]byte, error) {
	r, err := s.openBlob(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readDocument(r, h.String())
}

// readDocument reads a manifest or configuration, within the limit.
func readDocument(r io.Reader, name string) ([]byte, error) {
	var buf bytes.Buffer
	n, err := io.Copy(&buf, io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if n > maxDocument {
		return nil, &Error{
			Kind: KindUnsupported, Reference: name,
			Message: fmt.Sprintf("a manifest or configuration of more than %d bytes is refused", maxDocument),
		}
	}
	return buf.Bytes(), nil
}

func sum(h hash.Hash) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
}
