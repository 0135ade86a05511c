// SPDX-License-Identifier: Apache-2.0

// Package unpack takes the compression off streams.
package unpack

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// maxWindow is the largest window that a stream may ask for: what zstd --long
// and xz -9 need, and no more than their own tools take by default.
const maxWindow = 128 << 20

// ahead is how much of the stream is looked at.
const ahead = 64 << 10

// Reader returns what r holds without its compression: gzip, zstd, bzip2 and
// xz, which the first bytes tell. All else is returned as it is. Close frees
// what the decompression holds; r is for the caller to close, after it.
//
// Memory is bounded by a window of 128 MiB; a stream that asks for more is an
// error.
func Reader(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, ahead)
	// A short stream is fine: its first bytes are what there is.
	head, err := in.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	for _, f := range formats {
		if f.matches(head) {
			out, err := f.open(in, head)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
			return named{out, f.name}, nil
		}
	}
	return io.NopCloser(in), nil
}

// format is a way to compress.
type format struct {
	name    string
	matches func(head []byte) bool
	open    func(r io.Reader, head []byte) (io.ReadCloser, error)
}

var formats = []format{
	{"gzip", isGzip, openGzip},
	{"zstd", isZstd, openZstd},
	{"bzip2", isBzip2, openBzip2},
	{"xz", isXz, openXz},
}

// isGzip knows RFC 1952, section 2.3.1.
func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}) }

func openGzip(r io.Reader, _ []byte) (io.ReadCloser, error) { return gzip.NewReader(r) }

// isZstd knows RFC 8878, sections 3.1.1 and 3.1.2: a frame or a skippable one.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18})
}

// openZstd decodes in the goroutine that reads: layers are read in parallel as
// it is.
func openZstd(r io.Reader, _ []byte) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// isBzip2 knows the header and what follows it, a block or the end: a file
// name, with which a tar begins, can look like the header alone.
func isBzip2(head []byte) bool {
	if len(head) < 10 || !bytes.HasPrefix(head, []byte("BZh")) || head[3] < '1' || head[3] > '9' {
		return false
	}
	block, end := []byte{0x31, 0x41, 0x59, 0x26, 0x53, 0x59}, []byte{0x17, 0x72, 0x45, 0x38, 0x50, 0x90}
	return bytes.Equal(head[4:10], block) || bytes.Equal(head[4:10], end)
}

func openBzip2(r io.Reader, _ []byte) (io.ReadCloser, error) {
	return io.NopCloser(bzip2.NewReader(r)), nil
}

// isXz knows the header magic (xz file format, section 2.1.1.1).
func isXz(head []byte) bool { return bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}) }

func openXz(r io.Reader, head []byte) (io.ReadCloser, error) {
	if w := xzWindow(head); w > maxWindow {
		return nil, fmt.Errorf("the stream needs a window of %d bytes, more than the %d that are allowed", w, maxWindow)
	}
	d, err := xz.NewReader(r)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(d), nil
}

// xzWindow returns the size of the dictionary that the first block of an xz
// stream needs (xz file format, sections 3.1 and 5.3.1): the library would
// take any. It is 0 when the stream begins in a way that the library refuses
// or with sizes that make the header too long to tell.
func xzWindow(head []byte) int64 {
	const streamHeader, lzma2 = 12, 0x21
	if len(head) < streamHeader+2 {
		return 0
	}
	flags, rest := head[streamHeader+1], head[streamHeader+2:]
	for _, present := range []bool{flags&0x40 != 0, flags&0x80 != 0} {
		for present && len(rest) > 0 {
			present, rest = rest[0]&0x80 != 0, rest[1:]
		}
	}
	if len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 || rest[2] > 40 {
		return 0
	}
	bits := int64(rest[2])
	return (2 | bits&1) << (bits/2 + 11)
}

// named says in errors what the stream is.
type named struct {
	io.ReadCloser
	format string
}

func (n named) Read(p []byte) (int, error) {
	got, err := n.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", n.format, err)
	}
	return got, err
}
