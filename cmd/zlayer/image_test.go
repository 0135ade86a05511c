// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"archive/tar"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// file is what a test asserts of a file in an image.
type file struct {
	Type     byte
	Mode     int64
	UID, GID int
	Link     string
	Content  string
}

// image is an image read back from an OCI layout.
type image struct {
	v1.Image
	config *v1.ConfigFile
	files  map[string]file
}

// openLayout reads the one image of an OCI layout and validates it.
func openLayout(t *testing.T, dir string) *image {
	t.Helper()
	p, err := layout.FromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := p.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in %s", len(manifest.Manifests), dir)
	}
	img, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Errorf("the image is not valid: %v", err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return &image{img, config, flatten(t, img)}
}

// flatten returns all files of an image.
func flatten(t *testing.T, img v1.Image) map[string]file {
	t.Helper()
	files := map[string]file{}
	r := mutate.Extract(img)
	defer r.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		var content strings.Builder
		if h.Size < 1<<16 {
			if _, err := io.Copy(&content, tr); err != nil {
				t.Fatal(err)
			}
		}
		files[path.Join("/", h.Name)] = file{h.Typeflag, h.Mode & 0o7777, h.Uid, h.Gid, h.Linkname, content.String()}
	}
}
