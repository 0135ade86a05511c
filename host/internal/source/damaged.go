// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"io"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// named is a file of a release whose errors say which file of which source it
// is.
type named struct {
	io.ReadCloser
	source string
	file   manifest.File
}

// Read implements io.Reader.
func (n named) Read(p []byte) (int, error) {
	read, err := n.ReadCloser.Read(p)
	if err == nil || err == io.EOF {
		return read, err
	}
	return read, damaged(n.source, n.file, err)
}

// damaged names the source and the file in an error about content that is not
// what its digest says.
func damaged(source string, f manifest.File, err error) error {
	var e *registry.Error
	if !errors.As(err, &e) || e.Kind != registry.KindDamaged {
		return err
	}
	return &Error{
		Problem: Broken, Source: source, Help: e.Help, Err: e.Err,
		Message: f.Path + " is not the file that its manifest means: expected digest " + f.Digest + ", and " + e.Message,
	}
}
