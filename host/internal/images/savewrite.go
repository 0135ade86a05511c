// SPDX-License-Identifier: Apache-2.0

package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// open opens the content of a part.
func (s *Store) open(ctx context.Context, p part) (io.ReadCloser, error) {
	if p.data != nil {
		return io.NopCloser(bytes.NewReader(p.data)), nil
	}
	r, err := s.openBlob(p.blob.Digest)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&ctxReader{ctx, r}, r}, nil
}

// saveTar writes the parts as a tar whose headers say nothing of here and now.
func (s *Store) saveTar(ctx context.Context, out Output, parts []part) error {
	return saveFile(out, func(w io.Writer) error { return s.writeTar(ctx, w, parts) })
}

// saveFile gives a function the writer of an output, or a file aside that
// replaces the one of the output once it is whole.
func saveFile(out Output, write func(io.Writer) error) (err error) {
	if out.Writer != nil {
		return write(out.Writer)
	}
	aside, err := asideOf(out.Path)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("saving an image: %w", err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(aside)
			err = fmt.Errorf("saving an image to %s: %w", out.Path, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, out.Path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(out.Path))
}

func (s *Store) writeTar(ctx context.Context, w io.Writer, parts []part) error {
	tw := tar.NewWriter(w)
	for _, dir := range folders(parts) {
		h := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
	}
	for _, p := range parts {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: p.name, Mode: 0o644, Size: p.size(), ModTime: time.Unix(0, 0)}
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		if err := s.copyPart(ctx, tw, p); err != nil {
			return err
		}
	}
	return tw.Close()
}

// folders are the folders of the parts, parents first.
func folders(parts []part) []string {
	var dirs []string
	for _, p := range parts {
		for d := path.Dir(p.name); d != "."; d = path.Dir(d) {
			dirs = append(dirs, d)
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

func (s *Store) copyPart(ctx context.Context, w io.Writer, p part) error {
	r, err := s.open(ctx, p)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// saveFolder writes the parts as files of a folder.
func (s *Store) saveFolder(ctx context.Context, dir string, parts []part) (err error) {
	if err := s.mayReplace(dir); err != nil {
		return err
	}
	aside, err := asideOf(dir)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(aside)
			err = fmt.Errorf("saving an image to %s: %w", dir, err)
		}
	}()
	for _, d := range append([]string{"."}, folders(parts)...) {
		if err := os.Mkdir(filepath.Join(aside, d), 0o777); err != nil {
			return err
		}
	}
	for _, p := range parts {
		if err := s.savePart(ctx, filepath.Join(aside, p.name), p); err != nil {
			return err
		}
	}
	return replaceFolder(aside, dir)
}

func (s *Store) savePart(ctx context.Context, file string, p part) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.copyPart(ctx, f, p); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// mayReplace refuses to replace what is not an earlier output, and the store.
func (s *Store) mayReplace(dir string) error {
	if sameFile(dir, s.dir) {
		return fmt.Errorf("saving an image: %s is the image store itself: choose another folder", dir)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("saving an image: %w", err)
	case len(entries) == 0 || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == layoutFile }):
		return nil
	}
	return fmt.Errorf("saving an image: the folder %s is not empty and not an OCI image layout: choose another one", dir)
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// replaceFolder puts a finished folder in place of another one, which is moved
// out of the way first and removed last.
func replaceFolder(aside, dir string) error {
	old := aside + ".old"
	switch err := os.Rename(dir, old); {
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(aside, dir)
	case err != nil:
		return err
	}
	if err := os.Rename(aside, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}

// asideOf names a place beside a path, on the same file system, where nothing
// is yet.
func asideOf(target string) (string, error) {
	abs, err := filepath.Abs(target)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(abs), "."+filepath.Base(abs)+".*")
	if err != nil {
		return "", fmt.Errorf("saving an image: %w", err)
	}
	return dir, os.Remove(dir)
}
