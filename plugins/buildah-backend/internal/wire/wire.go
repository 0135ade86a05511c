// SPDX-License-Identifier: Apache-2.0

// Package wire carries messages between the server and a worker: each is its
// length as a varint, then its bytes in protocol buffers' encoding.
package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// maxSize bounds one message. A build with its here-documents is far smaller.
const maxSize = 256 << 20

// Message is any generated message.
type Message interface {
	MarshalVT() ([]byte, error)
	UnmarshalVT([]byte) error
}

// Writer sends messages. It may be used by several goroutines at once.
type Writer struct {
	mu sync.Mutex
	w  io.Writer
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Send writes one message.
func (w *Writer) Send(m Message) error {
	body, err := m.MarshalVT()
	if err != nil {
		return fmt.Errorf("encoding %T: %w", m, err)
	}
	framed := append(binary.AppendUvarint(make([]byte, 0, len(body)+binary.MaxVarintLen64), uint64(len(body))), body...)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.w.Write(framed)
	return err
}

// Reader receives messages. It is for one goroutine.
type Reader struct{ r *bufio.Reader }

// NewReader returns a Reader from r.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReader(r)} }

// Receive reads one message into m. The error is io.EOF when there is none
// left.
func (r *Reader) Receive(m Message) error {
	size, err := binary.ReadUvarint(r.r)
	if err != nil {
		return err
	}
	if size > maxSize {
		return fmt.Errorf("a message of %d bytes is larger than the limit of %d", size, maxSize)
	}
	var body bytes.Buffer // which grows with what comes, not with what is announced
	if _, err := io.CopyN(&body, r.r, int64(size)); err != nil {
		return fmt.Errorf("reading %T: %w", m, io.ErrUnexpectedEOF)
	}
	if err := m.UnmarshalVT(body.Bytes()); err != nil {
		return fmt.Errorf("decoding %T: %w", m, err)
	}
	return nil
}
