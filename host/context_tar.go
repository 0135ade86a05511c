// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/archive"
	"github.com/zlayer/zlayer/host/internal/rootfs"
	"github.com/zlayer/zlayer/sdk/remote"
)

// read reads a tar, which may be compressed, into the folder. What is none is
// taken for a build file.
func (a *arrival) read(r io.Reader) error { return a.readWithin(r, 0) }

// readWithin is read for what may unpack to so many bytes only; 0 is any number.
func (a *arrival) readWithin(r io.Reader, limit int64) error {
	plain, err := archive.Decompress(r)
	if err != nil {
		return err
	}
	defer plain.Close()
	buffered := bufio.NewReader(plain)
	if !isTar(buffered) {
		a.text, err = io.ReadAll(io.LimitReader(buffered, MaxSource+1))
		return err
	}
	spool := filepath.Join(a.job.temp(), "context.tar")
	f, err := os.OpenFile(spool, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(spool)
	err = copyWithin(f, buffered, limit)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return rootfs.Unpack(a.dir, func() (io.ReadCloser, error) { return os.Open(spool) })
}

// copyWithin copies no more than so many bytes.
func copyWithin(w io.Writer, r io.Reader, limit int64) error {
	if limit == 0 {
		_, err := io.Copy(w, r)
		return err
	}
	n, err := io.Copy(w, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = &remote.TooLargeError{Limit: limit}
	}
	return err
}

// isTar looks for the magic of a tar, or the end of an empty one.
func isTar(r *bufio.Reader) bool {
	const block, magic = 512, 257
	head, _ := r.Peek(block)
	return len(head) == block && (bytes.HasPrefix(head[magic:], []byte("ustar")) || bytes.Equal(head, make([]byte, block)))
}

// ctxReader reads until a context ends.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r *ctxReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
