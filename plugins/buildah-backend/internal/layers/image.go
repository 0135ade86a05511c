// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/unpack"
)

// Image is an image of an OCI image layout, reduced to its layers.
type Image struct {
	layout string
	// blobs are the compressed layers and diffs the digests of the
	// uncompressed ones, both lowest first.
	blobs, diffs []string
}

// ReadImage reads what an image manifest says about layers (OCI image-spec,
// manifest.md and config.md).
func ReadImage(layout, digest string) (*Image, error) {
	var manifest struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	if err := readJSON(layout, digest, &manifest); err != nil {
		return nil, err
	}
	var config struct {
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		} `json:"rootfs"`
	}
	if err := readJSON(layout, manifest.Config.Digest, &config); err != nil {
		return nil, err
	}
	i := &Image{layout: layout, diffs: config.RootFS.DiffIDs}
	for _, l := range manifest.Layers {
		i.blobs = append(i.blobs, l.Digest)
	}
	if len(i.blobs) != len(i.diffs) {
		return nil, fmt.Errorf("image %s has %d layers but its config names %d", digest, len(i.blobs), len(i.diffs))
	}
	return i, nil
}

// blobPath finds a blob; a digest that is no digest must not leave the layout.
func blobPath(layout, digest string) (string, error) {
	sum, ok := strings.CutPrefix(digest, "sha256:")
	if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != sha256.Size {
		return "", fmt.Errorf("%q is not a sha256 digest", digest)
	}
	return filepath.Join(layout, "blobs", "sha256", sum), nil
}

func readJSON(layout, digest string, into any) error {
	path, err := blobPath(layout, digest)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading an image: %w", err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading image %s: %w", digest, err)
	}
	return nil
}

// chain returns the ids of the image's layers in a store, lowest first: the
// chain ids of OCI image-spec, config.md, so that images share layers.
func (i *Image) chain() []string {
	ids := make([]string, len(i.diffs))
	above := ""
	for n, diff := range i.diffs {
		id := diff
		if above != "" {
			sum := sha256.Sum256([]byte(above + " " + diff))
			id = "sha256:" + hex.EncodeToString(sum[:])
		}
		above = id
		ids[n] = strings.TrimPrefix(id, "sha256:")
	}
	return ids
}

// Top returns the id of the image's highest layer, in the store or not. Empty
// for an image without layers.
func (i *Image) Top() string {
	ids := i.chain()
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}

// Import brings the layers of an image that are not there into the store.
func (s *Store) Import(i *Image) error {
	parent := ""
	for n, id := range i.chain() {
		if _, there := s.Layer(id); !there {
			if err := s.importLayer(i, n, id, parent); err != nil {
				return fmt.Errorf("unpacking layer %s: %w", i.blobs[n], err)
			}
		}
		parent = id
	}
	return nil
}

func (s *Store) importLayer(i *Image, n int, id, parent string) error {
	path, err := blobPath(i.layout, i.blobs[n])
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	packed := &checked{r: f, sum: sha256.New(), want: i.blobs[n]}
	tar, err := unpack.Reader(packed)
	if err != nil {
		return err
	}
	defer tar.Close()
	plain := &checked{r: tar, sum: sha256.New(), want: i.diffs[n]}
	_, _, err = s.Put(id, parent, plain)
	return err
}

// checked reads to the end only when the digest is right.
type checked struct {
	r    io.Reader
	sum  hash.Hash
	want string
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	if err == io.EOF {
		if got := "sha256:" + hex.EncodeToString(c.sum.Sum(nil)); got != c.want {
			return n, fmt.Errorf("content has digest %s instead of %s", got, c.want)
		}
	}
	return n, err
}
