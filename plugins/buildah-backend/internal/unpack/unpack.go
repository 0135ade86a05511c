// SPDX-License-Identifier: Apache-2.0

// Package unpack undoes the compression of layers and archives.
package unpack

import (
	"bufio"
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"go.podman.io/storage/pkg/archive"
)

// gzipMagic begins a gzip file (RFC 1952, 2.3.1).
var gzipMagic = []byte{0x1f, 0x8b}

// Reader returns the content of r without its compression: gzip, bzip2, xz,
// zstd or none. Unlike archive.DecompressStream it runs no program of the
// machine.
func Reader(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	start, err := buffered.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if bytes.Equal(start, gzipMagic) {
		return gzip.NewReader(buffered)
	}
	return archive.DecompressStream(buffered)
}
