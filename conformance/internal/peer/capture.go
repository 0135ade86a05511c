// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"bytes"
	"sync"
)

// capture keeps what a process writes, up to a limit.
type capture struct {
	first chan struct{} // closed when there is a whole line

	mu    sync.Mutex
	data  []byte
	whole bool // the first line has ended
}

// maxCapture is how much is kept of an output; the rest is read and lost.
const maxCapture = 8 << 20

func newCapture() *capture { return &capture{first: make(chan struct{})} }

// Write keeps data.
func (c *capture) Write(data []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.data = append(c.data, data[:min(len(data), maxCapture-len(c.data))]...)
	if !c.whole && bytes.IndexByte(c.data, '\n') >= 0 {
		c.whole = true
		close(c.first)
	}
	return len(data), nil
}

// String is all that is kept.
func (c *capture) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.data)
}

// line is the first line without its end. whole says whether it has ended.
func (c *capture) line() (line string, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, _, whole := bytes.Cut(c.data, []byte{'\n'})
	return string(first), whole
}

// rest is what came after the first line.
func (c *capture) rest() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, after, _ := bytes.Cut(c.data, []byte{'\n'})
	return string(after)
}
