// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/zlayer/zlayer/sdk/frontend"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// worthWaiting is the size of a build file, in bytes, from which compiling
// first is faster than interpreting.
const worthWaiting = 16 << 10

// Module is a loaded frontend. It is safe for concurrent use: each call has an
// instance of its own, and instances are used again.
type Module struct {
	runner       *Runner
	path, digest string

	loading sync.Mutex
	loaded  bool

	mu sync.Mutex
	// interpreted is the module until it is compiled. Nil when it always was.
	interpreted *engine
	// compiled is closed when machine is set, or failed.
	compiled chan struct{}
	machine  *engine
	failed   error
	idle     []*instance
	busy     sync.WaitGroup
	closed   bool
}

// load makes the module ready to run, in whichever way is faster now.
func (m *Module) load(ctx context.Context) error {
	if m.runner.cache.has(m.digest) {
		m.runner.cache.used(m.digest)
		return m.loadCompiled(ctx)
	}
	code, err := m.runner.read(m.path, m.digest)
	if err != nil {
		return err
	}
	m.compiled = make(chan struct{})
	if m.interpreted, err = m.runner.interpret(ctx, m.path, code); err != nil {
		return err
	}
	go m.compileLater(code)
	return nil
}

// loadCompiled takes the compiled code from the cache. The digest is computed
// meanwhile; nothing is run before it is known to be right.
func (m *Module) loadCompiled(ctx context.Context) error {
	code, err := readFile(m.path, m.runner.limits.Module)
	if err != nil {
		return err
	}
	verified := make(chan error, 1)
	go func() { verified <- verify(m.path, m.digest, code) }()
	machine, err := m.runner.ready(ctx, m.path, m.digest, code)
	if wrong := <-verified; wrong != nil {
		if machine != nil {
			machine.close()
		}
		return wrong
	}
	if err != nil {
		return err
	}
	m.compiled = make(chan struct{})
	m.machine = machine
	close(m.compiled)
	return nil
}

// compileLater compiles while others interpret.
func (m *Module) compileLater(code []byte) {
	r := m.runner
	r.count(1)
	defer r.count(-1)
	e, err := r.ready(r.alive, m.path, m.digest, code)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.machine, m.failed = e, err
	close(m.compiled)
	if m.closed && e != nil {
		e.close()
	}
}

func (r *Runner) count(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.compiling += n
}

// Parse asks the frontend what a build file means. The error is a *Failed, or
// that of ctx.
func (m *Module) Parse(ctx context.Context, r *frontendv1.ParseRequest) (*frontendv1.ParseResponse, error) {
	limits := m.runner.limits
	if err := m.fits(r); err != nil {
		return nil, err
	}
	engine, err := m.engine(ctx, len(r.GetContent()))
	if err != nil {
		return nil, err
	}
	in, err := m.take(engine)
	if err != nil {
		return nil, err
	}
	defer m.busy.Done()
	limited, cancel := context.WithTimeout(ctx, limits.Time)
	defer cancel()
	res, err := in.call(limited, r)
	if err == nil {
		m.give(in)
		return res, nil
	}
	failed := in.explain(err, m.path, limits)
	in.kill()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, failed
}

// fits refuses a request over the limits (SPEC F10).
func (m *Module) fits(r *frontendv1.ParseRequest) error {
	limit := m.runner.limits.Input
	if n := len(r.GetContent()); n > limit {
		return &Failed{Reason: ReasonInput, Path: m.path,
			Message: fmt.Sprintf("%s has %d bytes, more than %d", r.GetName(), n, limit)}
	}
	if n := r.SizeVT(); n > frontend.MaxRequest {
		return &Failed{Reason: ReasonInput, Path: m.path,
			Message: fmt.Sprintf("%s and the files it needs have %d bytes, more than %d", r.GetName(), n, frontend.MaxRequest)}
	}
	return nil
}

// engine chooses how to run a call with so many bytes of input.
func (m *Module) engine(ctx context.Context, size int) (*engine, error) {
	m.mu.Lock()
	machine, interpreted, failed := m.machine, m.interpreted, m.failed
	m.mu.Unlock()
	switch {
	case machine != nil:
		return machine, nil
	case failed == nil && size < worthWaiting, failed != nil && interpreted != nil:
		return interpreted, nil
	}
	select {
	case <-m.compiled:
		return m.engine(ctx, 0)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take returns an instance that waits, or a new one.
func (m *Module) take(e *engine) (*instance, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, errClosed
	}
	m.busy.Add(1)
	for len(m.idle) > 0 {
		in := m.idle[len(m.idle)-1]
		m.idle = m.idle[:len(m.idle)-1]
		if in.engine == e && in.alive() {
			return in, nil
		}
		in.kill()
	}
	return start(e, m.runner.limits), nil
}

// give takes an instance back after a good call.
func (m *Module) give(in *instance) {
	m.mu.Lock()
	keep := !m.closed && in.idle() && len(m.idle) < runtime.GOMAXPROCS(0)
	if keep {
		m.idle = append(m.idle, in)
	}
	m.mu.Unlock()
	if !keep {
		in.kill()
	}
}

// Close ends the instances and frees the code, after the calls that still run.
func (m *Module) Close() error {
	m.runner.forget(m)
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return nil
	}
	m.closed = true
	idle := m.idle
	m.idle = nil
	m.mu.Unlock()
	for _, in := range idle {
		in.kill()
	}
	m.busy.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range []*engine{m.machine, m.interpreted} {
		if e != nil {
			e.close()
		}
	}
	return nil
}
