// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// contextTree reads a build context, as far as its ignore file shows it. Its
// files belong to root.
func contextTree(ctx context.Context, c *backendv1.Context) (tree, error) {
	ignore, err := buildctx.NewIgnore(c.GetIgnore())
	if err != nil {
		return nil, err
	}
	dir, err := buildctx.Open(c.GetPath(), buildctx.Options{Ignore: ignore})
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	root, err := os.Stat(c.GetPath())
	if err != nil {
		return nil, err
	}
	files := tree{"": folder()}
	files[""].ModTime = root.ModTime().Truncate(time.Second)
	linked := map[[2]uint64]*file{} // files with several names
	err = dir.Walk(".", func(e buildctx.Entry) error {
		if e.Info.Mode().Type() == os.ModeSocket {
			return nil
		}
		stat, ok := e.Info.Sys().(*syscall.Stat_t)
		key := [2]uint64{}
		if ok && stat.Nlink > 1 && !e.Info.IsDir() {
			key = [2]uint64{uint64(stat.Dev), stat.Ino}
		}
		if files[e.Path] = linked[key]; files[e.Path] != nil {
			return nil
		}
		f, err := contextFile(dir, e)
		if files[e.Path] = f; key != [2]uint64{} {
			linked[key] = f
		}
		return errors.Join(err, ctx.Err())
	})
	return files, err
}

// contextFile is a file of a context.
func contextFile(dir *buildctx.Context, e buildctx.Entry) (*file, error) {
	target := ""
	if e.Info.Mode().Type() == os.ModeSymlink {
		var err error
		if target, err = dir.Readlink(e.Path); err != nil {
			return nil, err
		}
	}
	h, err := tar.FileInfoHeader(e.Info, target)
	if err != nil {
		return nil, err
	}
	h.PAXRecords = map[string]string{}
	if e.Info.IsDir() || e.Info.Mode().IsRegular() {
		xattrs, err := dir.Xattrs(e.Path)
		if err != nil {
			return nil, err
		}
		for key, value := range xattrs {
			h.PAXRecords["SCHILY.xattr."+key] = value
		}
	}
	h.Uid, h.Gid = 0, 0
	f := plain(h)
	if f.Typeflag == tar.TypeReg {
		f.open = func() (io.ReadCloser, error) {
			again, err := buildctx.Open(dir.Dir(), buildctx.Options{})
			if err != nil {
				return nil, err
			}
			defer again.Close()
			return again.Open(e.Path)
		}
	}
	return f, nil
}

// plain is a file with what counts of a header.
func plain(h *tar.Header) *file {
	f := &file{Header: tar.Header{
		Typeflag: h.Typeflag, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid,
		ModTime: h.ModTime.Truncate(time.Second), Devmajor: h.Devmajor, Devminor: h.Devminor, PAXRecords: map[string]string{},
	}}
	for key, value := range h.PAXRecords {
		if strings.HasPrefix(key, "SCHILY.xattr.") {
			f.PAXRecords[key] = value
		}
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink, tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
	default: // sparse and contiguous files
		f.Typeflag = tar.TypeReg
	}
	return f
}

// image reads the files of an image of the build.
func (b *build) image(ctx context.Context, digest string) (tree, error) {
	blob := func(digest string) string {
		return filepath.Join(b.GetImagesDir(), "blobs", "sha256", strings.TrimPrefix(digest, "sha256:"))
	}
	text, err := os.ReadFile(blob(digest))
	if err != nil {
		return nil, err
	}
	var manifest struct{ Layers []struct{ Digest string } }
	if err := json.Unmarshal(text, &manifest); err != nil {
		return nil, err
	}
	files := tree{"": folder()}
	for _, l := range manifest.Layers {
		if err := b.apply(ctx, files, blob(l.Digest)); err != nil {
			return nil, fmt.Errorf("reading layer %s: %w", l.Digest, err)
		}
	}
	return files, nil
}

// apply adds a layer of an image to a tree. Its removals count for the layers
// below it, so they come first.
func (b *build) apply(ctx context.Context, files tree, blob string) error {
	in, err := os.Open(blob)
	if err != nil {
		return err
	}
	defer in.Close()
	layer, err := unpacked(until{ctx, in})
	if err != nil {
		return err
	}
	var names []string
	var added []*file
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := clean(h.Name)
		dir, base := parent(name), path.Base(name)
		if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
			files.white(dir, hidden)
			continue
		}
		f := plain(h)
		if f.Typeflag == tar.TypeReg {
			if f.open, err = b.content(r, h.Size); err != nil {
				return err
			}
		}
		names, added = append(names, name), append(added, f)
	}
	for i, f := range added {
		files.add(names[i], f)
	}
	return nil
}

// white removes what a whiteout of a layer hides: one name or, for ".wh..opq",
// all that is in the folder.
func (t tree) white(dir, hidden string) {
	if hidden != ".wh..opq" {
		t.remove(clean(dir + "/" + hidden))
		return
	}
	for _, name := range t.below(dir) {
		delete(t, name)
	}
}

// add puts a file of a layer into the place of what is there. A folder keeps
// what is in it.
func (t tree) add(name string, f *file) {
	if f.Typeflag == tar.TypeLink {
		if f = t[clean(f.Linkname)]; f == nil {
			return
		}
	}
	if !f.isDir() {
		t.remove(name)
	}
	for dir := parent(name); !t[dir].isDir(); dir = parent(dir) {
		t.remove(dir)
		t[dir] = folder()
	}
	t[name] = f
}

// clean is a name of a tar as a path of a tree.
func clean(name string) string { return path.Clean("/" + name)[1:] }

// content keeps the content of a file of an image.
func (b *build) content(r io.Reader, size int64) (open func() (io.ReadCloser, error), err error) {
	offset, err := b.contents.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(b.contents, r); err != nil {
		return nil, err
	}
	return func() (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(b.contents, offset, size)), nil
	}, nil
}

// unpacked reads a layer: a tar, plain or packed by gzip.
func unpacked(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 1<<16)
	switch magic, _ := buffered.Peek(4); {
	case string(magic) == "\x28\xb5\x2f\xfd":
		return nil, backend.Machinef(nil, "the base image has a layer packed by zstd, which this backend cannot read")
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b:
		return gzip.NewReader(buffered)
	}
	return buffered, nil
}
