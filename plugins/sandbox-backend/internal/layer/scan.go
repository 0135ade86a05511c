// SPDX-License-Identifier: Apache-2.0

package layer

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
)

// block is the unit of tars.
const block = 512

// maxSparse is how many bytes the sparse files of a layer may add up to. Their
// holes cost nothing in the tar, but all bytes are read.
const maxSparse = 16 << 30

// scanner reads the changes of an uncompressed tar one by one.
type scanner struct {
	in *counter
	tr *tar.Reader
	// offset is where the first header block of the last change begins.
	offset int64
	// sparse is how many more bytes sparse files may have.
	sparse int64
	buf    []byte
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func newScanner(r io.Reader) *scanner {
	in := &counter{r: r}
	return &scanner{in: in, tr: tar.NewReader(in), sparse: maxSparse, buf: make([]byte, 64<<10)}
}

// next returns the next change; io.EOF after the last. The bytes of a File are
// those of content until next is called again.
func (s *scanner) next() (c tree.Change, err error) {
	for {
		// tar.Reader tells no offsets. Once all of an entry is read, the next
		// one begins with the block after.
		if err := s.drain(); err != nil {
			return c, err
		}
		s.offset = (s.in.n + block - 1) / block * block
		h, err := s.tr.Next()
		switch {
		case errors.Is(err, io.EOF):
			return c, io.EOF
		case err != nil && !errors.Is(err, tar.ErrInsecurePath): // names are checked below
			return c, fmt.Errorf("reading the layer at byte %d: %w", s.offset, err)
		}
		c, err = fromHeader(h)
		if isSparse(h) {
			s.sparse -= h.Size
		}
		switch {
		case s.sparse < 0:
			return c, fmt.Errorf("layer entry %.300q: the sparse files of the layer have too many bytes", h.Name)
		case errors.Is(err, errSkip):
			continue
		case err != nil:
			return c, fmt.Errorf("layer entry %.300q: %w", h.Name, err)
		}
		return c, nil
	}
}

// isSparse reports whether the file of an entry has holes.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// drain reads what is left of the last entry.
func (s *scanner) drain() error {
	if s.in.n == 0 {
		return nil
	}
	if _, err := io.CopyBuffer(io.Discard, onlyReader{s.tr}, s.buf); err != nil {
		return fmt.Errorf("reading the layer at byte %d: %w", s.in.n, err)
	}
	return nil
}

// onlyReader hides the other methods of a reader.
type onlyReader struct{ io.Reader }
