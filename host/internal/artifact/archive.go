// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"

	"github.com/zlayer/zlayer/host/internal/registry"
)

const (
	// maxFiles and maxUnpacked bound what an archive may hold; bytes.
	maxFiles    = 10_000
	maxUnpacked = 8 << 30
)

// layoutFiles are the only files an archive of a layout may hold.
var layoutFiles = regexp.MustCompile(`^(oci-layout|index\.json|blobs/sha256/[0-9a-f]{64})$`)

// OpenArchive unpacks an archive of an OCI image layout, .tar or .tar.gz, into
// an empty folder and opens it. The archive can write nothing but the files of
// a layout, and nowhere else. The cause of the error is ErrNotLayout when it
// holds something else. What is in the folder after an error is the caller's to
// remove.
func OpenArchive(ctx context.Context, archive io.Reader, dir string) (*Layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("unpacking an archive: %w", err)
	}
	defer root.Close()
	if err := root.MkdirAll(blobsDir, 0o700); err != nil {
		return nil, fmt.Errorf("unpacking an archive: %w", err)
	}
	plain, err := decompressed(archive)
	if err != nil {
		return nil, badArchive(err)
	}
	if err := unpack(ctx, tar.NewReader(plain), root); err != nil {
		return nil, err
	}
	return OpenLayout(dir)
}

// decompressed reads gzip where it is gzip.
func decompressed(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if magic, _ := b.Peek(2); string(magic) != "\x1f\x8b" {
		return b, nil
	}
	return gzip.NewReader(b)
}

func unpack(ctx context.Context, r *tar.Reader, root *os.Root) error {
	left := int64(maxUnpacked)
	for n := 0; ; n++ {
		h, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return badArchive(err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if left -= h.Size; left < 0 || n == maxFiles {
			return refused(fmt.Sprintf("an archive of more than %d bytes or %d files is refused", int64(maxUnpacked), maxFiles), nil)
		}
		if err := unpackEntry(r, h, root); err != nil {
			return err
		}
	}
}

// unpackEntry writes one file.
func unpackEntry(r io.Reader, h *tar.Header, root *os.Root) error {
	name := path.Clean(h.Name)
	switch {
	case h.Typeflag == tar.TypeDir, h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case h.Typeflag != tar.TypeReg || !layoutFiles.MatchString(name):
		return refused(fmt.Sprintf("the archive holds %q, which is no file of an OCI image layout", h.Name), ErrNotLayout)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return refused(fmt.Sprintf("the archive holds %q twice", name), nil)
	}
	if err != nil {
		return fmt.Errorf("unpacking an archive: %w", err)
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return badArchive(err)
	}
	return f.Close()
}

func refused(message string, err error) error {
	return &registry.Error{Kind: registry.KindUnsupported, Reference: "archive", Message: message, Help: helpOther, Err: err}
}

// badArchive is an archive that cannot be read.
func badArchive(err error) error {
	var own *registry.Error
	var disk *fs.PathError
	switch {
	case errors.As(err, &own): // what it is read from
		return err
	case errors.As(err, &disk):
		return fmt.Errorf("unpacking an archive: %w", err)
	case errors.Is(err, tar.ErrHeader), errors.Is(err, gzip.ErrHeader):
		return refused("this is not a tar archive, or a damaged one", errors.Join(ErrNotLayout, err))
	}
	return &registry.Error{Kind: registry.KindDamaged, Reference: "archive", Message: "the archive is damaged", Help: helpAgain, Err: err}
}
