// SPDX-License-Identifier: Apache-2.0

// Package engine runs WASI preview1 command modules: by wazero in this process,
// or by any command. It is the suite's own, apart from the host's, so that
// neither hides a mistake of the other.
package engine

import (
	"context"
	"errors"
	"io"
)

// Engine runs modules. Empty: wazero, in this process. Else a command, in
// which "{module}" is the module's path.
type Engine []string

// Instance is a module that runs.
type Instance struct {
	// Stdin is what the module reads.
	Stdin io.WriteCloser
	// Stdout is what it writes.
	Stdout io.Reader
}

// Start runs a module with arguments (the first one is its name). Without any
// the module gets none. ctx ends it.
func (e Engine) Start(ctx context.Context, module string, args ...string) (*Instance, error) {
	return nil, errors.New("not yet")
}

// Wait waits for its end and returns the exit code; -1 when it was a trap or a
// signal, which err explains.
func (i *Instance) Wait() (code int, err error) { return -1, errors.New("not yet") }

// Stderr is the end of what it wrote there.
func (i *Instance) Stderr() string { return "" }
