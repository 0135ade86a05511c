// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// maxLinks bounds links to links.
const maxLinks = 8

// tarFiles are the files of a tar, read where they lie.
type tarFiles struct {
	file *os.File
	size int64
	at   map[string]place
	// links are symbolic and hard links: older versions of docker write a
	// layer that two images share once.
	links map[string]string
}

// place is where a file lies.
type place struct {
	info   fs.FileInfo
	offset int64
}

// index finds the files of a tar. Of a file that is there twice the last
// counts, as when unpacking.
func index(f *os.File) (*tarFiles, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	files := &tarFiles{file: f, size: info.Size(), at: map[string]place{}, links: map[string]string{}}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is not a tar, or it is damaged: %w", err)
		}
		if len(files.at)+len(files.links) == maxFiles {
			return nil, fmt.Errorf("a tar of more than %d files is refused", maxFiles)
		}
		if err := files.add(h); err != nil {
			return nil, err
		}
	}
}

// add notes one file. The reader stands where its content begins.
func (t *tarFiles) add(h *tar.Header) error {
	name := path.Clean(h.Name)
	delete(t.at, name)
	delete(t.links, name)
	switch h.Typeflag {
	case tar.TypeReg:
		offset, err := t.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Size > t.size-offset {
			return fmt.Errorf("it ends in the middle of %s: it is damaged", name)
		}
		t.at[name] = place{h.FileInfo(), offset}
	case tar.TypeSymlink:
		t.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		t.links[name] = path.Clean(h.Linkname)
	}
	return nil
}

// Open implements fs.FS.
func (t *tarFiles) Open(name string) (fs.File, error) {
	key := path.Clean(name)
	for range maxLinks {
		if found, ok := t.at[key]; ok {
			return &tarFile{io.NewSectionReader(t.file, found.offset, found.info.Size()), found.info}, nil
		}
		next, ok := t.links[key]
		if !ok {
			break
		}
		key = next
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// tarFile is one file of a tar.
type tarFile struct {
	*io.SectionReader
	info fs.FileInfo
}

// Stat implements fs.File.
func (f *tarFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close implements fs.File.
func (f *tarFile) Close() error { return nil }
