// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// File is a file of an image.
type File struct {
	tar.Header
	// Digest is that of the content, in hex.
	Digest string
	// Content is the content of a small file.
	Content string
	// Xattrs are the extended attributes.
	Xattrs map[string]string
}

// layer returns the entries of a layer, and checks that it is the one that the
// configuration names.
func (r *Reader) layer(l v1.Layer, diffID v1.Hash) ([]*File, error) {
	if have, ok := r.layers.Load(diffID); ok {
		return have.([]*File), nil
	}
	content, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	sum := sha256.New()
	all := io.TeeReader(content, sum)
	entries, err := readTar(all)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, all); err != nil {
		return nil, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != diffID.Hex {
		return nil, fmt.Errorf("the configuration names %s, and the layer is %s", diffID, got)
	}
	r.layers.Store(diffID, entries)
	return entries, nil
}

// small is the size, in bytes, up to which a content is kept.
const small = 512

func readTar(r io.Reader) ([]*File, error) {
	var entries []*File
	seen := map[string]bool{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		f := &File{Header: *h, Xattrs: map[string]string{}}
		if f.Name = path.Join(".", strings.TrimPrefix(h.Name, "/")); seen[f.Name] {
			return nil, fmt.Errorf("%q is there twice", f.Name)
		}
		seen[f.Name] = true
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
				f.Xattrs[name] = value
			}
		}
		if err := f.read(tr); err != nil {
			return nil, err
		}
		entries = append(entries, f)
	}
}

func (f *File) read(r io.Reader) error {
	if f.Typeflag != tar.TypeReg {
		return nil
	}
	var start strings.Builder
	sum := sha256.New()
	if _, err := io.Copy(sum, io.TeeReader(io.LimitReader(r, small), &start)); err != nil {
		return err
	}
	if _, err := io.Copy(sum, r); err != nil {
		return err
	}
	f.Digest = hex.EncodeToString(sum.Sum(nil))
	if f.Size <= small {
		f.Content = start.String()
	}
	return nil
}
