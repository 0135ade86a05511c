// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// errBrokeOff is a transfer that ended early each time.
var errBrokeOff = errors.New("the transfer broke off")

// opener begins at a byte of something, or before it where the server cannot: at
// is where what it opened begins.
type opener func(offset int64) (src io.ReadCloser, at int64, err error)

// transfer reads something in as many connections as it takes: one that breaks
// off is taken up where it ended, a few times. Its errors are explained.
type transfer struct {
	ctx   context.Context
	about *exchange
	open  opener
	src   io.ReadCloser
	read  int64 // bytes handed on
	begun int
}

// begin opens the first connection.
func (x *exchange) begin(ctx context.Context, open opener) (io.ReadCloser, error) {
	src, _, err := open(0)
	if err != nil {
		return nil, x.explain(ctx, err)
	}
	return &transfer{ctx: ctx, about: x, open: open, src: src, begun: 1}, nil
}

// Read implements io.Reader.
func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	t.read += int64(n)
	switch {
	case err == nil || err == io.EOF:
		return n, err
	case strings.HasPrefix(err.Error(), "error verifying"):
		return n, io.EOF // Checked says it better than the library
	}
	return n, t.about.explain(t.ctx, t.resume(err))
}

// resume begins again where the last connection ended, until that works or the
// tries are used up.
func (t *transfer) resume(err error) error {
	for ; t.begun < tries && t.ctx.Err() == nil; t.begun++ {
		if err := sleep(t.ctx, t.about.client.options.Pause*time.Duration(t.begun)); err != nil {
			return err
		}
		if err = t.again(); err == nil {
			t.begun++
			return nil
		}
	}
	if errors.Is(err, errStalled) {
		return err
	}
	return fmt.Errorf("%w: %w", errBrokeOff, err)
}

// again opens a connection and passes over what was read before.
func (t *transfer) again() error {
	src, at, err := t.open(t.read)
	if err != nil {
		return err
	}
	t.src.Close()
	t.src = src
	_, err = io.CopyN(io.Discard, t.src, t.read-at)
	return err
}

// Close implements io.Closer.
func (t *transfer) Close() error { return t.src.Close() }
