// SPDX-License-Identifier: Apache-2.0

// Package tartime rewrites the times in a layer for SOURCE_DATE_EPOCH.
//
// A tar is rewritten block by block, not read and written anew: so sparse
// files stay sparse, and whatever a header says that is not about times or
// names of owners stays as it is. Only this changes:
//
//   - a modification time after the epoch becomes the epoch;
//   - access, change and creation times, and names of users and groups, go;
//   - the records of an extended header are sorted, and the header itself gets
//     a fixed name, owner and time.
//
// Memory is one block, and the extended header of one entry.
package tartime

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Rewrite copies a tar, with its times rewritten for an epoch in seconds from 0
// to MaxEpoch, and reads src to its end. An error that wraps ErrTar means that
// src is not a well-formed tar.
func Rewrite(dst io.Writer, src io.Reader, epoch int64) error {
	r := &rewriter{dst: dst, src: src, epoch: epoch}
	for {
		switch err := r.entry(); {
		case errors.Is(err, io.EOF):
			return r.finish()
		case errors.Is(err, io.ErrUnexpectedEOF):
			return fmt.Errorf("%w: it ends in the middle of an entry", ErrTar)
		case err != nil:
			return err
		}
	}
}

type rewriter struct {
	dst   io.Writer
	src   io.Reader
	epoch int64
	// records are those of the extended header before the entry.
	records []record
	// buf is for copying.
	buf [32 << 10]byte
}

// finish ends the tar. Whatever follows the end in the source is padding.
func (r *rewriter) finish() error {
	if _, err := io.CopyBuffer(io.Discard, r.src, r.buf[:]); err != nil {
		return err
	}
	_, err := r.dst.Write(make([]byte, 2*blockSize))
	return err
}

// entry copies one entry. It returns io.EOF at the end of the tar.
func (r *rewriter) entry() error {
	var b block
	if _, err := io.ReadFull(r.src, b[:]); err != nil {
		return err
	}
	if b == (block{}) {
		return io.EOF
	}
	if err := b.check(); err != nil {
		return err
	}
	switch b[fieldType.at] {
	case 'x':
		return r.extended(&b)
	case 'g':
		return r.global(&b)
	case 'L', 'K': // GNU's long names: the name of the entry that follows
		return r.longName(&b)
	}
	return r.file(&b)
}

// extended keeps the records of an extended header for the next entry.
func (r *rewriter) extended(b *block) (err error) {
	r.records, err = r.readRecords(b)
	return err
}

// global copies a global extended header.
func (r *rewriter) global(b *block) error {
	records, err := r.readRecords(b)
	if err != nil {
		return err
	}
	records, _ = clampRecords(records, r.epoch)
	return r.writeRecords('g', records)
}

func (r *rewriter) longName(b *block) error {
	size, err := b.size()
	if err != nil {
		return err
	}
	if err := b.clean(0); err != nil {
		return err
	}
	return r.copyEntry(b, size)
}

// file copies an entry that is a file, directory, link or anything else.
func (r *rewriter) file(b *block) error {
	size, err := r.dataSize(b)
	if err != nil {
		return err
	}
	records, later := clampRecords(r.records, r.epoch)
	r.records = nil
	if later {
		b.putOctal(fieldMtime, r.epoch)
	}
	if err := b.clean(r.epoch); err != nil {
		return err
	}
	if err := r.writeRecords('x', records); err != nil {
		return err
	}
	return r.copyEntry(b, size)
}

// dataSize is how many bytes follow the header of a file.
func (r *rewriter) dataSize(b *block) (int64, error) {
	if kind := b[fieldType.at]; kind >= '1' && kind <= '6' { // links, devices, directories, pipes
		return 0, nil
	}
	for _, rec := range slices.Backward(r.records) {
		if rec.key == "size" {
			size, err := strconv.ParseInt(rec.value, 10, 64)
			if err != nil || size < 0 || size > maxSize {
				return 0, fmt.Errorf("%w: size %q", ErrTar, rec.value)
			}
			return size, nil
		}
	}
	return b.size()
}

// copyEntry writes a header and copies what follows it: of a GNU sparse file
// more of its map, then the data.
func (r *rewriter) copyEntry(b *block, size int64) error {
	if _, err := r.dst.Write(b[:]); err != nil {
		return err
	}
	more := b[fieldType.at] == 'S' && b[fieldGNUMore.at] != 0
	for more {
		var next block
		if _, err := io.ReadFull(r.src, next[:]); err != nil {
			return unexpected(err)
		}
		if _, err := r.dst.Write(next[:]); err != nil {
			return err
		}
		more = next[fieldNextMore.at] != 0
	}
	n, err := io.CopyBuffer(onlyWriter{r.dst}, io.LimitReader(r.src, padded(size)), r.buf[:])
	if err == nil && n < padded(size) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// onlyWriter keeps io.CopyBuffer to the buffer.
type onlyWriter struct{ io.Writer }

func padded(n int64) int64 { return (n + blockSize - 1) &^ (blockSize - 1) }

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
