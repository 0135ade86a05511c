// SPDX-License-Identifier: Apache-2.0

package differential_test

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// node is a file of an image. Hard links share one.
type node struct {
	tar.Header
	digest  string // of the content, in hex
	content string // of a small file
	xattrs  map[string]string
}

// image is an image read back.
type image struct {
	config map[string]any // the configuration, without history, times and rootfs
	// history is what each entry says, without times.
	history []string
	files   map[string]*node // by path without a leading "/"; the root is "."
}

// readLayout reads the one image of an OCI layout.
func readLayout(dir string) (*image, error) {
	p, err := layout.FromPath(dir)
	if err != nil {
		return nil, err
	}
	index, err := p.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("%d images in %s", len(manifest.Manifests), dir)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return nil, err
	}
	return readImage(img)
}

func readImage(img v1.Image) (*image, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	out := &image{files: map[string]*node{}}
	if err := json.Unmarshal(raw, &out.config); err != nil {
		return nil, err
	}
	for _, key := range []string{"history", "created", "rootfs"} {
		delete(out.config, key)
	}
	made := 0
	for _, h := range file.History {
		text := h.CreatedBy + h.Comment + h.Author
		if h.EmptyLayer {
			text = "empty: " + text
		} else {
			made++
		}
		out.history = append(out.history, text)
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	if made != len(layers) || made != len(file.RootFS.DiffIDs) {
		return nil, fmt.Errorf("history says %d layers, the manifest has %d, the configuration %d", made, len(layers), len(file.RootFS.DiffIDs))
	}
	for i, l := range layers {
		entries, err := readLayer(l, file.RootFS.DiffIDs[i])
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		if err := out.apply(entries); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
	}
	return out, nil
}

// known holds the entries of layers by diff id: most images here share some.
var known sync.Map

// readLayer returns the entries of a layer, and checks that it is the one that
// the configuration names.
func readLayer(l v1.Layer, diffID v1.Hash) ([]*node, error) {
	if have, ok := known.Load(diffID); ok {
		return have.([]*node), nil
	}
	r, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	sum := sha256.New()
	all := io.TeeReader(r, sum)
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
	known.Store(diffID, entries)
	return entries, nil
}

// small is the size, in bytes, up to which a content is kept.
const small = 512

func readTar(r io.Reader) ([]*node, error) {
	var entries []*node
	seen := map[string]bool{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return nil, err
		}
		n := &node{Header: *h, xattrs: map[string]string{}}
		if n.Name = path.Join(".", strings.TrimPrefix(h.Name, "/")); seen[n.Name] {
			return nil, fmt.Errorf("%q is there twice", n.Name)
		}
		seen[n.Name] = true
		for key, value := range h.PAXRecords {
			if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
				n.xattrs[name] = value
			}
		}
		if err := n.read(tr); err != nil {
			return nil, err
		}
		entries = append(entries, n)
	}
}

func (n *node) read(r io.Reader) error {
	if n.Typeflag != tar.TypeReg {
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
	n.digest = hex.EncodeToString(sum.Sum(nil))
	if n.Size <= small {
		n.content = start.String()
	}
	return nil
}

// The names that OCI gives to what a layer removes (image-spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// apply puts a layer onto the files: first what it removes, then what it adds.
func (i *image) apply(entries []*node) error {
	for _, n := range entries {
		dir, base := path.Split(n.Name)
		switch {
		case base == opaque:
			i.removeBelow(path.Clean(dir))
		case strings.HasPrefix(base, whiteout):
			name := path.Join(dir, strings.TrimPrefix(base, whiteout))
			if i.files[name] == nil {
				return fmt.Errorf("%q removes what is not there", n.Name)
			}
			i.removeBelow(name)
			delete(i.files, name)
		}
	}
	for _, n := range entries {
		if strings.HasPrefix(path.Base(n.Name), whiteout) {
			continue
		}
		if err := i.add(n); err != nil {
			return err
		}
	}
	return nil
}

// add puts an entry where its name is. A folder keeps what is in it.
func (i *image) add(n *node) error {
	name := n.Name
	if dir := i.files[path.Dir(name)]; path.Dir(name) != "." && (dir == nil || dir.Typeflag != tar.TypeDir) {
		return fmt.Errorf("%q lies in what is no folder", name)
	}
	if n.Typeflag == tar.TypeLink {
		if n = i.files[path.Join(".", strings.TrimPrefix(n.Linkname, "/"))]; n == nil {
			return fmt.Errorf("%q is a link to what is not there", name)
		}
	}
	if n.Typeflag != tar.TypeDir {
		i.removeBelow(name)
	}
	i.files[name] = n
	return nil
}

// removeBelow removes what is in a folder.
func (i *image) removeBelow(dir string) {
	for name := range i.files {
		if dir == "." && name != "." || strings.HasPrefix(name, dir+"/") {
			delete(i.files, name)
		}
	}
}

// names returns all names of each file that has several, joined, by each name.
func (i *image) names() map[string]string {
	groups := map[*node][]string{}
	for _, name := range slices.Sorted(maps.Keys(i.files)) {
		groups[i.files[name]] = append(groups[i.files[name]], name)
	}
	joined := map[string]string{}
	for _, group := range groups {
		for _, name := range group {
			if len(group) > 1 {
				joined[name] = strings.Join(group, " ")
			}
		}
	}
	return joined
}
