// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// helpTransfer is what to do about content that arrived wrong.
const helpTransfer = "try again; when it happens again, the registry or a proxy on the way is broken"

// Checked reads content whose digest and size are known. Where it is not that
// content, the reader ends with an *Error of KindDamaged instead of io.EOF,
// which gives the help: what was read before that must not be used.
func Checked(src io.ReadCloser, want v1.Descriptor, help string) io.ReadCloser {
	return &checked{src: src, want: want, help: help, hash: sha256.New()}
}

type checked struct {
	src  io.ReadCloser
	want v1.Descriptor
	help string
	hash hash.Hash
	size int64
}

// Read implements io.Reader.
func (c *checked) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.hash.Write(p[:n])
	c.size += int64(n)
	if errors.Is(err, io.EOF) || c.size > c.want.Size {
		err = c.verdict()
	}
	return n, err
}

// verdict is io.EOF for content that is what it should be.
func (c *checked) verdict() error {
	got := v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(c.hash.Sum(nil))}
	e := &Error{Kind: KindDamaged, Reference: c.want.Digest.String(), Help: c.help}
	switch {
	case c.size > c.want.Size:
		e.Message = fmt.Sprintf("the content has more than %d bytes", c.want.Size)
	case c.size < c.want.Size:
		e.Message = fmt.Sprintf("the content ends after %d of %d bytes", c.size, c.want.Size)
	case got != c.want.Digest:
		e.Message = fmt.Sprintf("the content has digest %s", got)
	default:
		return io.EOF
	}
	return e
}

// Close implements io.Closer.
func (c *checked) Close() error { return c.src.Close() }
