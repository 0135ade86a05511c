// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
)

// await returns what fn returns, or the end of ctx, whichever comes first. fn
// then goes on for nobody; it must not leave anything behind.
func await[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := fn()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// until are files that can be read until ctx ends, so that no long copy
// outlives its build.
type until struct {
	transfer.Files
	ctx context.Context
}

// Lstat describes a file.
func (u until) Lstat(name string) (transfer.File, error) {
	if err := u.ctx.Err(); err != nil {
		return transfer.File{}, err
	}
	return u.Files.Lstat(name)
}

// Walk lists what is below a folder.
func (u until) Walk(dir string, fn func(name string, f transfer.File) error) error {
	return u.Files.Walk(dir, func(name string, f transfer.File) error {
		if err := u.ctx.Err(); err != nil {
			return err
		}
		return fn(name, f)
	})
}

// Open opens a file.
func (u until) Open(name string, f transfer.File) (io.ReadCloser, error) {
	r, err := u.Files.Open(name, f)
	if err != nil {
		return nil, err
	}
	return reader{r, u.ctx}, nil
}

// reader ends with its context.
type reader struct {
	io.ReadCloser
	ctx context.Context
}

// Read reads, or says how the context ended.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}
