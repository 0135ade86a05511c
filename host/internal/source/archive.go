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

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Limits of archives: a plugin is a program with a few files, a mirror some of
// these.
const (
	maxArchive = 8 << 30
	maxEntries = 10_000
)

// SignatureSuffix is that of the name of a signature beside an archive.
const SignatureSuffix = ".sigstore.json"

// Unpack writes the regular files of an archive into a folder. Nothing but
// files and folders is accepted, and nothing lands outside.
func Unpack(archive, dir string) error { return unpack(archive, archive, dir) }

// unpack is Unpack for an archive that the user knows as source.
func unpack(source, archive, dir string) error {
	file, err := os.Open(archive)
	if err != nil {
		return &Error{Problem: Absent, Source: source, Message: "it cannot be read", Err: err}
	}
	defer file.Close()
	plain, err := gunzip(file)
	if err != nil {
		return damaged(source, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root, left: maxArchive}
	if err := u.all(tar.NewReader(plain)); err != nil {
		return damaged(source, err)
	}
	return nil
}

// damaged explains an archive that cannot be read. A full disk is not its
// fault.
func damaged(source string, err error) error {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		return fmt.Errorf("unpacking %s: %w", source, err)
	}
	return &Error{
		Problem: Broken, Source: source, Message: "it is not a whole archive of a plugin", Err: err,
		Help: "get it again; a plugin's archive is a .tar or .tar.gz of its folder, or of a mirror",
	}
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
	root    *os.Root
	left    int64
	entries int
}

func (u *unpacker) all(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if u.entries++; u.entries > maxEntries {
			return fmt.Errorf("it has more than %d entries", maxEntries)
		}
		if err := u.entry(t, h); err != nil {
			return err
		}
	}
}

func (u *unpacker) entry(t *tar.Reader, h *tar.Header) error {
	name := path.Clean(h.Name)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the entry %q is outside the archive", h.Name)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return u.root.MkdirAll(name, 0o700)
	case tar.TypeReg:
		return u.file(t, name, h.Size)
	case tar.TypeXGlobalHeader:
		return nil
	}
	return fmt.Errorf("the entry %q is neither file nor folder", h.Name)
}

func (u *unpacker) file(t *tar.Reader, name string, size int64) error {
	if u.left -= size; u.left < 0 {
		return fmt.Errorf("it unpacks to more than %d bytes", int64(maxArchive))
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	to, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, t)
	if closeErr := to.Close(); err == nil {
		err = closeErr
	}
	return err
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
		err = fmt.Errorf("%s has more than %d bytes", strings.TrimSuffix(url, "?"), int64(maxArchive))
	}
	return err
}
