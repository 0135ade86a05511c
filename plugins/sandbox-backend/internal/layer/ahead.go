// SPDX-License-Identifier: Apache-2.0

package layer

import "io"

// How much is read ahead.
const (
	aheadSize  = 256 << 10
	aheadCount = 8
)

// ahead reads from a reader in a goroutine.
type ahead struct {
	full  chan piece
	empty chan []byte
	quit  chan struct{}
	// now is what is being handed out, left what of it is still to come.
	now  piece
	left []byte
}

// piece is what one read gave.
type piece struct {
	data []byte
	err  error
}

// readAhead starts to read r. stop must be called.
func readAhead(r io.Reader) *ahead {
	a := &ahead{full: make(chan piece, aheadCount), empty: make(chan []byte, aheadCount), quit: make(chan struct{})}
	for range aheadCount {
		a.empty <- make([]byte, aheadSize)
	}
	go a.fill(r)
	return a
}

// fill reads until the end or until stop.
func (a *ahead) fill(r io.Reader) {
	defer close(a.full)
	for {
		select {
		case <-a.quit:
			return
		case buf := <-a.empty:
			n, err := readFull(r, buf)
			a.full <- piece{buf[:n], err}
			if err != nil {
				return
			}
		}
	}
}

// readFull fills buf; unlike with io.ReadFull, an end in the midst is io.EOF.
func readFull(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// Read hands out what was read.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.left) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.data != nil {
			a.empty <- a.now.data[:aheadSize]
		}
		a.now = <-a.full
		a.left = a.now.data
	}
	n := copy(p, a.left)
	a.left = a.left[n:]
	return n, nil
}

// stop ends the reading and waits for it.
func (a *ahead) stop() {
	close(a.quit)
	for range a.full {
	}
}
