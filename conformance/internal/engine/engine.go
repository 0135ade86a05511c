// SPDX-License-Identifier: Apache-2.0

// Package engine runs WASI preview1 command modules: by wazero in this process,
// or by any command. It is the suite's own, apart from the host's, so that
// neither hides a mistake of the other.
package engine

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// Engine runs modules. Its methods may be called concurrently.
type Engine struct {
	command []string
	cache   string

	mu     sync.Mutex
	wazero *inProcess // made at the first Start
}

// placeholder is what stands for the module in a command.
const placeholder = "{module}"

// Open returns an engine. command runs a module, "{module}" in it being the
// module's path; nil is wazero in this process. cache is a folder for
// translated modules, which a second engine does not translate again; empty:
// nothing is kept. Only wazero uses it.
func Open(command []string, cache string) (*Engine, error) {
	here := func(arg string) bool { return strings.Contains(arg, placeholder) }
	if len(command) > 0 && !slices.ContainsFunc(command, here) {
		return nil, fmt.Errorf("the engine %q does not say where the module goes: write %s", strings.Join(command, " "), placeholder)
	}
	return &Engine{command: command, cache: cache}, nil
}

// Start runs a module with arguments, the first of which is its name. Without
// any it gets none, and never an environment, files, a clock that goes or
// random bytes that differ; a command gets the environment of this process, and
// what it passes on is its own affair. ctx ends the module, whatever it does.
func (e *Engine) Start(ctx context.Context, module string, args ...string) (*Instance, error) {
	if len(e.command) > 0 {
		return e.startCommand(ctx, module, args)
	}
	in, err := e.inProcess()
	if err != nil {
		return nil, err
	}
	return in.start(ctx, module, args)
}

// inProcess returns wazero, made once.
func (e *Engine) inProcess() (*inProcess, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wazero == nil {
		made, err := newInProcess(e.cache)
		if err != nil {
			return nil, err
		}
		e.wazero = made
	}
	return e.wazero, nil
}

// Close ends what runs in this process and frees the translated modules.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wazero == nil {
		return nil
	}
	return e.wazero.close()
}

// Instance is a module that runs.
type Instance struct {
	// Stdin is what the module reads. A write fails when the module has ended.
	Stdin io.WriteCloser
	// Stdout is what it writes. Whoever does not read it makes it wait.
	Stdout io.Reader

	stderr *tail
	wait   func() (int, error)
	memory func() uint64
}

// Wait waits for the end of the module and returns its exit code; -1 when it
// was a trap, a signal or ctx, which err explains. What was not read of Stdout
// by then may be lost.
func (i *Instance) Wait() (code int, err error) { return i.wait() }

// Stderr is the end of what it wrote there so far.
func (i *Instance) Stderr() string { return i.stderr.String() }

// Memory is how many bytes of memory it has: the module's own, or what the
// system keeps in memory for the command. 0: nobody knows. It must be called
// while the module waits for input.
func (i *Instance) Memory() uint64 { return i.memory() }
