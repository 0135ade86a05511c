// SPDX-License-Identifier: Apache-2.0

package images

import (
	"io"
	"sync"
	"time"
)

// meter passes progress on, not too often, one call at a time.
type meter struct {
	mu   sync.Mutex
	call Progress
	last map[string]time.Time
}

func newMeter(call Progress) *meter { return &meter{call: call, last: map[string]time.Time{}} }

func (m *meter) report(name string, current, total int64) {
	if m.call == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := time.Now(); current == total || now.Sub(m.last[name]) >= 100*time.Millisecond {
		m.last[name] = now
		m.call(name, current, total)
	}
}

// countingReader reports what is read through it.
type countingReader struct {
	src            io.Reader
	name           string
	current, total int64
	meter          *meter
}

// Read implements io.Reader.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	if n > 0 {
		c.current += int64(n)
		c.meter.report(c.name, c.current, c.total)
	}
	return n, err
}
