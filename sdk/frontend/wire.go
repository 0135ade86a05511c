// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"errors"
	"io"
	"slices"
	"strconv"
)

// This file must stay small in a module: no fmt, no reflection.

// MaxRequest is the largest request that Serve accepts, in bytes. A host never
// sends more than 4 MiB of build file; the rest is room for answers to needs.
const MaxRequest = 64 << 20

// Encoder is a generated message that is written. It is apart from Decoder so
// that a module holds no decoder of what it only writes.
type Encoder interface {
	// SizeVT returns the encoded size in bytes.
	SizeVT() int
	// MarshalToSizedBufferVT encodes into a buffer of exactly that size.
	MarshalToSizedBufferVT([]byte) (int, error)
}

// Decoder is a generated message that is read.
type Decoder interface {
	// UnmarshalVT decodes and merges.
	UnmarshalVT([]byte) error
}

// Reader is what messages are read from; a bufio.Reader is one.
type Reader interface {
	io.Reader
	io.ByteReader
}

// SizeError is a message longer than the reader allows.
type SizeError struct {
	// Size is what the message says of itself, in bytes.
	Size uint64
	// Limit is what is allowed.
	Limit int
}

// Error names both sizes.
func (e *SizeError) Error() string {
	return "message of " + strconv.FormatUint(e.Size, 10) + " bytes is over the limit of " + strconv.Itoa(e.Limit)
}

// SyntaxError is a frame that was read completely but holds no message. The
// next message can still be read.
type SyntaxError struct {
	// Err is what the decoder said.
	Err error
}

// Error returns what the decoder said.
func (e *SyntaxError) Error() string { return "malformed message: " + e.Err.Error() }

// Unwrap returns what the decoder said.
func (e *SyntaxError) Unwrap() error { return e.Err }

// errLength is a length prefix that is not a varint of at most 64 bits.
var errLength = errors.New("malformed length of a message")

// ReadFrame reads one length-delimited frame: a varint length, then so many
// bytes (SPEC, "Framing"). It returns io.EOF when the stream ends before the
// first byte, io.ErrUnexpectedEOF when it ends later, and a *SizeError, with
// nothing allocated, when the frame is longer than limit bytes.
func ReadFrame(r Reader, limit int) ([]byte, error) {
	size, err := readLength(r)
	if err != nil {
		return nil, err
	}
	if size > uint64(limit) {
		return nil, &SizeError{Size: size, Limit: limit}
	}
	return readAll(r, int(size))
}

// ReadMessage reads one frame and decodes it into m, which should be empty.
// Beyond the errors of ReadFrame it returns a *SyntaxError.
func ReadMessage(r Reader, m Decoder, limit int) error {
	frame, err := ReadFrame(r, limit)
	if err != nil {
		return err
	}
	if err := m.UnmarshalVT(frame); err != nil {
		return &SyntaxError{Err: err}
	}
	return nil
}

// WriteMessage writes m as one frame, in one Write.
func WriteMessage(w io.Writer, m Encoder) error {
	b, err := AppendMessage(nil, m)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// AppendMessage appends m to b as one frame.
func AppendMessage(b []byte, m Encoder) ([]byte, error) {
	size := m.SizeVT()
	b = slices.Grow(b, maxLength+size)
	b = appendLength(b, uint64(size))
	start := len(b)
	b = b[:start+size]
	if _, err := m.MarshalToSizedBufferVT(b[start:]); err != nil {
		return nil, err
	}
	return b, nil
}

// maxLength is the size of the longest varint of 64 bits.
const maxLength = 10

func appendLength(b []byte, n uint64) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// readLength is binary.ReadUvarint without its imports, and strict about where
// the stream ends.
func readLength(r io.ByteReader) (uint64, error) {
	var n uint64
	for i := range maxLength {
		c, err := r.ReadByte()
		if errors.Is(err, io.EOF) && i > 0 {
			return 0, io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		if i == maxLength-1 && c > 1 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return n, nil
		}
	}
	return 0, errLength
}

// chunk bounds how much is allocated before the bytes for it have arrived.
const chunk = 1 << 20

func readAll(r io.Reader, size int) ([]byte, error) {
	b := make([]byte, 0, min(size, chunk))
	for len(b) < size {
		n := min(size-len(b), chunk)
		b = slices.Grow(b, n)
		if _, err := io.ReadFull(r, b[len(b):len(b)+n]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		b = b[:len(b)+n]
	}
	return b, nil
}
