// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/zlayer/zlayer/sdk/frontend"
)

// The pipes copy under a lock and never keep what they are given: a slice of a
// guest's memory is gone with the instance. That is why they are not io.Pipe,
// whose Read may still copy while Write has already returned.

// input is the stdin of an instance.
type input struct {
	mu      sync.Mutex
	changed sync.Cond
	waiting []byte
	closed  bool
}

func newInput() *input {
	in := &input{}
	in.changed.L = &in.mu
	return in
}

// put hands bytes to the guest. They must not be changed until it has read
// them.
func (in *input) put(b []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.waiting) == 0 {
		in.waiting = b
	} else {
		in.waiting = append(bytes.Clone(in.waiting), b...)
	}
	in.changed.Broadcast()
}

// close ends the input. What is waiting is dropped.
func (in *input) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.closed, in.waiting = true, nil
	in.changed.Broadcast()
}

// Read implements io.Reader. It blocks until there is something.
func (in *input) Read(b []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for len(in.waiting) == 0 && !in.closed {
		in.changed.Wait()
	}
	if len(in.waiting) == 0 {
		return 0, io.EOF
	}
	n := copy(b, in.waiting)
	in.waiting = in.waiting[n:]
	return n, nil
}

var (
	errUnasked = errors.New("the frontend wrote more than one response")
	errClosed  = errors.New("the instance has ended")
)

// output is the stdout of an instance. It gathers one frame at a time.
type output struct {
	limit int

	mu      sync.Mutex
	changed sync.Cond
	// got is what the guest wrote of the frame, its length included.
	got []byte
	// size is the size of the whole frame with its length; 0 while unknown.
	size, head int
	// want is whether the host waits for a frame.
	want bool
	err  error
}

func newOutput(limit int) *output {
	out := &output{limit: limit}
	out.changed.L = &out.mu
	return out
}

// expect announces that the host is about to ask.
func (out *output) expect() {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.got, out.size, out.head, out.want = nil, 0, 0, true
}

// frame waits for the frame and returns it without its length.
func (out *output) frame() ([]byte, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	for out.err == nil && !out.complete() {
		out.changed.Wait()
	}
	// A module that ends right after its answer has answered.
	if !out.complete() || errors.Is(out.err, errUnasked) {
		return nil, out.err
	}
	frame := out.got[out.head:]
	out.got, out.want = nil, false
	return frame, nil
}

func (out *output) complete() bool { return out.size > 0 && len(out.got) == out.size }

// fail ends the output. The first reason counts.
func (out *output) fail(err error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	out.failLocked(err)
}

// failed returns why the output has ended; nil when it has not.
func (out *output) failed() error {
	out.mu.Lock()
	defer out.mu.Unlock()
	return out.err
}

func (out *output) failLocked(err error) {
	if out.err == nil {
		out.err = err
	}
	out.changed.Broadcast()
}

// Write implements io.Writer for the guest.
func (out *output) Write(b []byte) (int, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.err != nil {
		return 0, out.err
	}
	if err := out.accept(b); err != nil {
		out.failLocked(err)
		return 0, err
	}
	return len(b), nil
}

func (out *output) accept(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if !out.want {
		return errUnasked
	}
	for out.size == 0 && len(b) > 0 {
		out.got = append(out.got, b[0])
		b = b[1:]
		if err := out.readLength(); err != nil {
			return err
		}
	}
	if len(b) > 0 && len(out.got)+len(b) > out.size {
		return errUnasked
	}
	out.got = append(out.got, b...)
	if out.complete() {
		out.changed.Broadcast()
	}
	return nil
}

// readLength looks at the last byte of the frame's length.
func (out *output) readLength() error {
	last := out.got[len(out.got)-1]
	if len(out.got) > 9 {
		return errors.New("the length of the response is malformed")
	}
	if last >= 0x80 {
		return nil
	}
	var n uint64
	for i, c := range out.got {
		n |= uint64(c&0x7f) << (7 * i)
	}
	if n > uint64(out.limit) {
		return &frontend.SizeError{Size: n, Limit: out.limit}
	}
	out.head = len(out.got)
	out.size = out.head + int(n)
	return nil
}

// tail is the stderr of an instance: it keeps the end of what is written, and
// refuses to go on for ever.
type tail struct {
	keep, limit int

	mu    sync.Mutex
	total int
	kept  []byte
}

// Write implements io.Writer.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total += len(b); t.total > t.limit {
		return 0, errClosed
	}
	t.kept = append(t.kept, b[max(0, len(b)-t.keep):]...)
	t.kept = t.kept[max(0, len(t.kept)-t.keep):]
	return len(b), nil
}

// String returns what is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
