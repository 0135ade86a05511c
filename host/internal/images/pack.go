// SPDX-License-Identifier: Apache-2.0

package images

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip" // three times as fast as the standard library's
	"golang.org/x/sync/errgroup"

	"github.com/zlayer/zlayer/host/internal/images/tartime"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// packJobs is how many layers are compressed at the same time.
const packJobs = 2

// packed is the record of a layer that was compressed once. A backend gives
// the same layer again and again; its tar is neither asked for nor compressed
// a second time.
type packed struct {
	// DiffID is the digest of the tar in the image. With an epoch it is not
	// the one of the backend.
	DiffID v1.Hash `json:"diffID"`
	// Digest is the digest of the blob.
	Digest v1.Hash `json:"digest"`
	// Size is the size of the blob.
	Size int64 `json:"size"`
}

// Lacking returns the layers, by the digest of their tar, that Assemble needs
// a file for, each once: those that were never packed for this epoch.
func (s *Store) Lacking(digests []string, epoch *int64) ([]string, error) {
	var lacking []string
	seen := map[string]bool{}
	for _, d := range digests {
		h, err := artifactDigest(d)
		if err != nil {
			return nil, err
		}
		p, err := s.packedAs(h, epoch)
		if err != nil {
			return nil, err
		}
		if p == nil && !seen[d] {
			lacking = append(lacking, d)
		}
		seen[d] = true
	}
	return lacking, nil
}

// packedName names the record of a layer: its digest, and the epoch that its
// times were rewritten for.
func packedName(h v1.Hash, epoch *int64) string {
	if epoch == nil {
		return filepath.Join(packedDir, h.Hex+".json")
	}
	return filepath.Join(packedDir, h.Hex+"@"+strconv.FormatInt(*epoch, 10)+".json")
}

// packedAs returns the record of a layer whose blob is there. Nil means there
// is none; so does a record that cannot be read, since it can be made again.
func (s *Store) packedAs(h v1.Hash, epoch *int64) (*packed, error) {
	data, err := os.ReadFile(s.path(packedName(h, epoch)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading image store: %w", err)
	}
	var p packed
	if json.Unmarshal(data, &p) != nil || !s.hasBlob(v1.Descriptor{Digest: p.Digest, Size: p.Size}) {
		return nil, nil
	}
	return &p, nil
}

// packAll returns the packed layers of a build, in order, and packs those that
// are not yet.
func (s *Store) packAll(ctx context.Context, b *Build) ([]*packed, error) {
	all := make([]*packed, len(b.Blobs))
	progress := newMeter(b.Progress)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(packJobs)
	for i, blob := range b.Blobs {
		group.Go(func() (err error) {
			all[i], err = s.pack(ctx, b, blob, progress)
			if err != nil {
				err = fmt.Errorf("packing layer %s: %w", blob.GetDigest(), err)
			}
			return err
		})
	}
	return all, group.Wait()
}

// pack returns the packed form of one layer.
func (s *Store) pack(ctx context.Context, b *Build, blob *backendv1.Blob, progress *meter) (*packed, error) {
	h, err := artifactDigest(blob.GetDigest())
	if err != nil {
		return nil, err
	}
	if p, err := s.packedAs(h, b.Epoch); p != nil || err != nil {
		return p, err
	}
	f, err := os.Open(filepath.Join(b.Dir, h.Hex))
	if err != nil {
		return nil, artifactError(h.String(), "the backend did not export it", err)
	}
	defer f.Close()
	src := &countingReader{src: &ctxReader{ctx, f}, name: blob.GetDigest(), total: blob.GetSize(), meter: progress}
	p, err := s.compress(src, h, b.Epoch)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return p, s.writeFile(packedName(h, b.Epoch), data)
}

// compress stores a tar as a gzip blob. The same tar makes the same blob: the
// gzip header has neither name nor time.
func (s *Store) compress(src io.Reader, want v1.Hash, epoch *int64) (*packed, error) {
	w, err := s.newBlob()
	if err != nil {
		return nil, err
	}
	defer w.discard()
	in, out := sha256.New(), sha256.New()
	zip := gzip.NewWriter(w)
	tee := io.TeeReader(src, in)
	if dst := io.MultiWriter(zip, out); epoch == nil {
		_, err = io.Copy(dst, tee)
	} else {
		err = tartime.Rewrite(dst, tee, *epoch)
	}
	if err != nil {
		return nil, err
	}
	if got := sum(in); got != want {
		return nil, artifactError(want.String(), fmt.Sprintf("the backend exported something else, with digest %s", got), nil)
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	d, err := w.commit()
	return &packed{DiffID: sum(out), Digest: d.Digest, Size: d.Size}, err
}

// ctxReader ends with its context.
type ctxReader struct {
	ctx context.Context
	src io.Reader
}

// Read implements io.Reader.
func (r *ctxReader) Read(p []byte) (int, error) {
	if err := context.Cause(r.ctx); err != nil {
		return 0, err
	}
	return r.src.Read(p)
}
