// SPDX-License-Identifier: Apache-2.0

//go:build linux

package linux

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
)

// What went wrong in the inner process is blamed on the same by the backend.
func TestErrorsOverTheSocket(t *testing.T) {
	isProblem := func(err error) bool {
		var p *transfer.Problem
		return errors.As(err, &p)
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	for _, tt := range []struct {
		err  error
		want func(error) bool
	}{
		{fmt.Errorf("making a tree: %w", &os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}), is(syscall.ENOSPC)},
		{syscall.EDQUOT, is(syscall.EDQUOT)},
		{fmt.Errorf("x: %w", &layer.NameError{}), isProblem},
		{errors.New("x"), func(err error) bool { return !isProblem(err) && !errors.As(err, new(syscall.Errno)) }},
	} {
		sent, got := failed(tt.err), report{}
		c := newCodec(&bytes.Buffer{})
		if err := errors.Join(c.Encode(report{Result: &sent}), c.Decode(&got)); err != nil {
			t.Fatal(err)
		}
		if err := got.Result.err(); !tt.want(err) || err.Error() != tt.err.Error() {
			t.Errorf("%v became %#v", tt.err, err)
		}
	}
	if err := (&result{Code: 1}).err(); err != nil {
		t.Errorf("a command that failed is the error %v", err)
	}
}
