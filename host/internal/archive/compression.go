// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Compression is how a file is compressed.
type Compression int

// The compressions.
const (
	None Compression = iota
	Gzip
	Zstd
	Bzip2
	Xz
)

// magic is how a file of each compression begins.
var magic = map[Compression][]byte{
	Gzip:  {0x1f, 0x8b},
	Zstd:  {0x28, 0xb5, 0x2f, 0xfd},
	Bzip2: []byte("BZh"),
	Xz:    {0xfd, '7', 'z', 'X', 'Z', 0},
}

// Detect looks how a file is compressed, without taking anything from it.
func Detect(r *bufio.Reader) Compression {
	head, _ := r.Peek(6) // a shorter file is none of them
	for c, m := range magic {
		if bytes.HasPrefix(head, m) {
			return c
		}
	}
	return None
}

// Decompress reads what a file was before it was compressed, in whatever way.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	switch c := Detect(buffered); c {
	case Gzip:
		return opened(gzip.NewReader(buffered))
	case Zstd:
		d, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, damaged(err)
		}
		return d.IOReadCloser(), nil
	case Bzip2:
		return io.NopCloser(bzip2.NewReader(buffered)), nil
	case Xz:
		d, err := xz.NewReader(buffered)
		if err != nil {
			return nil, damaged(err)
		}
		return io.NopCloser(d), nil
	}
	return io.NopCloser(buffered), nil
}

func opened(d io.ReadCloser, err error) (io.ReadCloser, error) {
	if err != nil {
		return nil, damaged(err)
	}
	return d, nil
}

func damaged(err error) error { return fmt.Errorf("its compression is damaged: %w", err) }
