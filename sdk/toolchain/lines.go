// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"bytes"
	"sync"
)

// maxLine is the longest line passed on whole, in bytes. A longer one comes in
// pieces, so that a program cannot fill the memory.
const maxLine = 1 << 20

// lineWriter cuts what is written to it into lines.
type lineWriter struct {
	mu   *sync.Mutex
	emit func(line []byte)
	rest []byte
}

// Write never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	if w.emit == nil {
		return len(p), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n') + 1
		if i == 0 && len(w.rest) >= maxLine {
			i = maxLine
		}
		if i == 0 {
			return len(p), nil
		}
		w.emit(w.rest[:i:i])
		w.rest = w.rest[i:]
	}
}

// flush emits what is left.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.emit(w.rest)
		w.rest = nil
	}
}
