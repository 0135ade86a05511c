// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Limits of archives: a plugin is a program with a few files, a mirror some of
// these.
const (
	maxArchive = 8 << 30 // bytes, packed and unpacked
	maxEntries = 10_000
	maxDepth   = 16 // folders in folders
)

// SignatureSuffix is that of the name of a signature beside an archive.
const SignatureSuffix = ".sigstore.json"

// Unpack writes the regular files of an archive into a folder. Nothing but
// files and folders is accepted, and nothing lands outside. The error is an
// *Error, or that of the file system.
func Unpack(ctx context.Context, archive, dir string) error {
	return unpack(ctx, archive, archive, dir)
}

// unpack is Unpack for an archive that the user knows as source.
func unpack(ctx context.Context, source, archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return unreadable(source, err)
	}
	defer file.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{source: source, root: root, left: maxArchive}
	plain, err := gunzip(file)
	if err != nil {
		return u.damaged(err)
	}
	return u.all(ctx, tar.NewReader(plain))
}

// gunzip unpacks gzip, where it is.
func gunzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	magic, err := b.Peek(2)
	if err == nil && bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return gzip.NewReader(b)
	}
	return b, nil
}

// unpacker writes the entries of one archive.
type unpacker struct {
	source  string
	root    *os.Root
	left    int64
	entries int
}

func (u *unpacker) all(ctx context.Context, t *tar.Reader) error {
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return u.damaged(err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if u.entries++; u.entries > maxEntries {
			return u.refused("it has more than %d entries", maxEntries)
		}
		if err := u.entry(t, h); err != nil {
			return err
		}
	}
}

func (u *unpacker) entry(t *tar.Reader, h *tar.Header) error {
	name := path.Clean(h.Name)
	switch {
	case h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case !filepath.IsLocal(name) || strings.Count(name, "/") > maxDepth:
		return u.refused("its entry %.200q leads out of it, or too deep", h.Name)
	case h.Typeflag == tar.TypeDir:
		return u.disk(name, u.root.MkdirAll(name, 0o700))
	case h.Typeflag == tar.TypeReg:
		return u.file(t, name, h.Size)
	}
	return u.refused("its entry %.200q is neither a file nor a folder", h.Name)
}

func (u *unpacker) file(t *tar.Reader, name string, size int64) error {
	if u.left -= size; u.left < 0 {
		return u.refused("it unpacks to more than %d GiB", int64(maxArchive>>30))
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return u.disk(name, err)
	}
	to, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return u.disk(name, err)
	}
	_, err = io.Copy(to, t)
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	var disk *fs.PathError
	if err == nil || errors.As(err, &disk) {
		return err
	}
	return u.damaged(err)
}

// disk explains why an entry cannot be made. What the disk lacks is not the
// archive's fault; else there is something by this name already.
func (u *unpacker) disk(name string, err error) error {
	if errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL) {
		return u.refused("its entry %.200q is there twice, or has a name that no file can have", name)
	}
	return err
}

// damaged is an archive that cannot be read to its end. What the decoders say
// helps nobody.
func (u *unpacker) damaged(err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return unreadable(u.source, err)
	}
	return u.refused("it is no archive, or not a whole one")
}

func (u *unpacker) refused(format string, args ...any) error {
	return &Error{
		Problem: Broken, Source: u.source, Message: fmt.Sprintf(format, args...),
		Help: "get it again; a plugin's archive is a .tar or .tar.gz of its folder, or of a mirror",
	}
}

// top returns the folder of an unpacked archive that has the manifest or the
// layout: the top, or the only folder in it.
func top(dir string) string {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) == 1 && entries[0].IsDir() {
		return filepath.Join(dir, entries[0].Name())
	}
	return dir
}

// digestOf returns the digest of a file.
func digestOf(name string) (string, error) {
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return manifest.Digest(file)
}

// beside reads the signature beside an archive file; there need not be one.
func beside(archive string) ([][]byte, error) {
	data, err := os.ReadFile(archive + SignatureSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the signature of %s: %w", archive, err)
	}
	return [][]byte{data}, nil
}

// download fetches a URL into a file.
func (f *Fetcher) download(ctx context.Context, url, to string) error {
	body, err := f.client.Download(ctx, url)
	if err != nil {
		return err
	}
	defer body.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := io.Copy(file, io.LimitReader(body, maxArchive+1))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil && n > maxArchive {
		err = &Error{Problem: Broken, Source: lockfile.WithoutCredentials(url), Message: fmt.Sprintf("it has more than %d GiB", int64(maxArchive>>30)), Help: "name the archive of a plugin"}
	}
	return err
}
