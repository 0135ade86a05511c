// SPDX-License-Identifier: Apache-2.0

// Package archive reads the images that other tools wrote to a folder or a tar:
// an OCI image layout, or what "docker save" makes.
//
// Nothing is unpacked: a tar is read where it lies, so what it says of paths,
// links and modes leads nowhere outside of it. One that is compressed, or comes
// through a pipe, is written to a file first.
package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Names inside an archive (image-spec, image-layout.md; Docker's image spec).
const (
	indexFile  = "index.json"
	dockerFile = "manifest.json"
	blobsDir   = "blobs/sha256/"
)

const (
	// maxDocument bounds what is read into memory, in bytes.
	maxDocument = 16 << 20
	// maxFiles bounds how many files a tar has.
	maxFiles = 1 << 17
)

// Archive is a folder or a tar with images.
type Archive struct {
	files fs.FS
	close func() error
}

// Image is one image of an archive, or one manifest list.
type Image struct {
	// Names are its references, as they are written there. May be empty.
	Names []string
	// Tags are what else a layout calls it: names that are no references.
	Tags []string
	// OCI is its manifest, among the blobs. Nil for an image of Docker's form.
	OCI *v1.Descriptor
	// Config is the file with its configuration, in Docker's form.
	Config string
	// Layers are the files of its layers, lowest first, in Docker's form.
	Layers []string
}

// Open opens a folder or a file. Spool makes an empty file that only the caller
// has, for a tar that is compressed; it is closed with the archive.
func Open(path string, spool func() (*os.File, error)) (*Archive, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		return &Archive{files: root.FS(), close: root.Close}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().IsRegular() {
		if files, err := index(f); err == nil && len(files.at) > 0 {
			return &Archive{files: files, close: f.Close}, nil
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	defer f.Close()
	return Read(f, spool)
}

// Read reads a tar, which may be compressed, from a pipe.
func Read(r io.Reader, spool func() (*os.File, error)) (*Archive, error) {
	src, err := Decompress(r)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	f, err := spool()
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(f, src); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	files, err := index(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Archive{files: files, close: f.Close}, nil
}

// Close closes the archive.
func (a *Archive) Close() error { return a.close() }

// Images lists the images. There is at least one.
func (a *Archive) Images() ([]Image, error) {
	list, err := a.layout()
	if errors.Is(err, fs.ErrNotExist) {
		list, err = a.docker()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("there is neither " + indexFile + " of an OCI image layout nor " + dockerFile + " of a Docker archive in it")
	}
	if err == nil && len(list) == 0 {
		return nil, errors.New("it lists no image")
	}
	return list, err
}

// layout lists the images of an OCI image layout.
func (a *Archive) layout() ([]Image, error) {
	var index v1.IndexManifest
	if err := a.read(indexFile, &index); err != nil {
		return nil, err
	}
	var list []Image
	for _, d := range index.Manifests {
		name, tag := nameOf(d.Annotations), d.Annotations[refName]
		i := indexOf(list, d.Digest)
		if i < 0 {
			d.Annotations = nil
			list, i = append(list, Image{OCI: &d}), len(list)
		}
		if name != "" {
			list[i].Names = append(list[i].Names, name)
		}
		if tag != "" && tag != name {
			list[i].Tags = append(list[i].Tags, tag)
		}
	}
	return list, nil
}

// refName is the annotation that names an image (image-spec, annotations.md).
const refName = "org.opencontainers.image.ref.name"

func indexOf(list []Image, h v1.Hash) int {
	for i, image := range list {
		if image.OCI.Digest == h {
			return i
		}
	}
	return -1
}

// nameOf returns the reference that an entry has. Many tools write no more than
// a tag where one should be, which is the name of nothing.
func nameOf(annotations map[string]string) string {
	if name := annotations["io.containerd.image.name"]; name != "" {
		return name
	}
	if name := annotations[refName]; strings.ContainsAny(name, ":/") && !strings.HasPrefix(name, ":") {
		return name
	}
	return ""
}

// docker lists the images of Docker's form.
func (a *Archive) docker() ([]Image, error) {
	var entries []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := a.read(dockerFile, &entries); err != nil {
		return nil, err
	}
	var list []Image
	for _, e := range entries {
		list = append(list, Image{Names: e.RepoTags, Config: e.Config, Layers: e.Layers})
	}
	return list, nil
}

// read reads a document.
func (a *Archive) read(name string, doc any) error {
	data, err := a.Document(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, doc); err != nil {
		return fmt.Errorf("its %s is malformed: %w", name, err)
	}
	return nil
}

// Document reads a small file whole.
func (a *Archive) Document(name string) ([]byte, error) {
	f, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s in it: %w", name, err)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("its %s has more than %d bytes", name, maxDocument)
	}
	return data, nil
}

// Open opens a file. The error is fs.ErrNotExist when there is none.
func (a *Archive) Open(name string) (fs.File, error) {
	info, err := fs.Stat(a.files, name) // first: opening a pipe could take for ever
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s in it is not a file", name)
	}
	return a.files.Open(name)
}

// BlobName is the file of a blob, in an OCI image layout.
func BlobName(h v1.Hash) string { return blobsDir + h.Hex }
