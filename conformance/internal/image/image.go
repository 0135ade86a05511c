// SPDX-License-Identifier: Apache-2.0

// Package image reads images back, writes down what is in them as
// conformance/vectors/README.md says, and compares them.
package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Image is an image read back.
type Image struct {
	// Config is the configuration, without history, times and rootfs.
	Config map[string]any
	// History is what each entry says, without times.
	History []string
	// Layers are the digests of the uncompressed layers, lowest first.
	Layers []string
	// Files are all files by path without a leading "/"; the root is ".". Hard
	// links share one.
	Files map[string]*File
}

// Built is an image and when it was built.
type Built struct {
	*Image
	// Began and Ended are around the build.
	Began, Ended time.Time
}

// Reader reads images. It reads a layer that several have once. The zero value
// is ready.
type Reader struct {
	layers sync.Map // the entries of layers by digest
}

// Layout reads the one image of an OCI layout.
func (r *Reader) Layout(dir string) (*Image, error) {
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
	return r.Image(img)
}

// Image reads an image, and checks that it is what its configuration says.
func (r *Reader) Image(img v1.Image) (*Image, error) {
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	out := &Image{Files: map[string]*File{}}
	if out.Config, err = config(img); err != nil {
		return nil, err
	}
	made := out.tell(file.History)
	if made != len(layers) || made != len(file.RootFS.DiffIDs) {
		return nil, fmt.Errorf("history says %d layers, the manifest has %d, the configuration %d", made, len(layers), len(file.RootFS.DiffIDs))
	}
	for i, l := range layers {
		entries, err := r.layer(l, file.RootFS.DiffIDs[i])
		if err == nil {
			err = out.apply(entries)
		}
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		out.Layers = append(out.Layers, file.RootFS.DiffIDs[i].String())
	}
	return out, nil
}

// config returns the configuration without what is kept apart or differs each
// time.
func config(img v1.Image) (map[string]any, error) {
	raw, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	var all map[string]any
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	for _, key := range []string{"history", "created", "rootfs"} {
		delete(all, key)
	}
	return all, nil
}

// tell keeps the history and returns how many layers it speaks of.
func (i *Image) tell(list []v1.History) (layers int) {
	for _, h := range list {
		text := h.CreatedBy + h.Comment + h.Author
		if h.EmptyLayer {
			text = "empty: " + text
		} else {
			layers++
		}
		i.History = append(i.History, text)
	}
	return layers
}

// The names that OCI gives to what a layer removes (image-spec, layer.md).
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// apply puts a layer onto the files: first what it removes, then what it adds.
func (i *Image) apply(entries []*File) error {
	for _, f := range entries {
		dir, base := path.Split(f.Name)
		switch {
		case base == opaque:
			i.removeBelow(path.Clean(dir))
		case strings.HasPrefix(base, whiteout):
			name := path.Join(dir, strings.TrimPrefix(base, whiteout))
			if i.Files[name] == nil {
				return fmt.Errorf("%q removes what is not there", f.Name)
			}
			i.removeBelow(name)
			delete(i.Files, name)
		}
	}
	for _, f := range entries {
		if strings.HasPrefix(path.Base(f.Name), whiteout) {
			continue
		}
		if err := i.add(f); err != nil {
			return err
		}
	}
	return nil
}

// add puts an entry where its name is. A folder keeps what is in it.
func (i *Image) add(f *File) error {
	name := f.Name
	if dir := i.Files[path.Dir(name)]; path.Dir(name) != "." && (dir == nil || dir.Typeflag != tar.TypeDir) {
		return fmt.Errorf("%q lies in what is no folder", name)
	}
	if f.Typeflag == tar.TypeLink {
		if f = i.Files[path.Join(".", strings.TrimPrefix(f.Linkname, "/"))]; f == nil {
			return fmt.Errorf("%q is a link to what is not there", name)
		}
	}
	if f.Typeflag != tar.TypeDir {
		i.removeBelow(name)
	}
	i.Files[name] = f
	return nil
}

// removeBelow removes what is in a folder.
func (i *Image) removeBelow(dir string) {
	for name := range i.Files {
		if dir == "." && name != "." || strings.HasPrefix(name, dir+"/") {
			delete(i.Files, name)
		}
	}
}

// names returns all names of each file that has several, joined, by each name.
func (i *Image) names() map[string]string {
	groups := map[*File][]string{}
	for _, name := range slices.Sorted(maps.Keys(i.Files)) {
		groups[i.Files[name]] = append(groups[i.Files[name]], name)
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
