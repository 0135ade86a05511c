// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/zlayer/zlayer/host/internal/registry"
)

// WriteTar writes the layout as a tar archive. Layouts with the same content
// make the same archive. A damaged blob is a *registry.Error of KindDamaged.
func (l *Layout) WriteTar(ctx context.Context, w io.Writer) error {
	blobs, err := fs.ReadDir(l.root.FS(), blobsDir) // sorted
	if err != nil {
		return fmt.Errorf("reading %s: %w", l.dir, err)
	}
	names := []string{layoutFile, indexFile}
	for _, b := range blobs {
		if _, err := registry.ParseDigest("sha256:" + b.Name()); err == nil {
			names = append(names, path.Join(blobsDir, b.Name()))
		}
	}
	t := tar.NewWriter(w)
	for _, name := range names {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := l.writeEntry(t, name); err != nil {
			return err
		}
	}
	return t.Close()
}

// writeEntry writes one file with a header that says nothing of here and now.
func (l *Layout) writeEntry(t *tar.Writer, name string) error {
	f, err := l.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("reading %s: %w", l.dir, err)
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: info.Size(), ModTime: time.Unix(0, 0)}
	if err := t.WriteHeader(h); err != nil {
		return fmt.Errorf("writing an archive: %w", err)
	}
	var src io.Reader = f
	if path.Dir(name) == blobsDir {
		src = registry.Checked(f, v1.Descriptor{Digest: v1.Hash{Algorithm: "sha256", Hex: path.Base(name)}, Size: info.Size()}, helpAgain)
	}
	if _, err := io.Copy(t, src); err != nil {
		return fmt.Errorf("writing an archive: %w", err)
	}
	return nil
}
