// SPDX-License-Identifier: Apache-2.0

// Package wasmrun runs frontends: WASI preview1 modules under wazero, without
// files, network, environment, clock or randomness, and within limits that
// hold against a hostile module (SPEC, "The frontend protocol").
//
// Compiled code is kept in a cache folder, which is trusted like a program:
// only its owner may write there. Where a module is not compiled yet, it is
// interpreted while one goroutine of one process compiles it.
package wasmrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Limits are what a module may use. A field that is 0 stands for its default.
type Limits struct {
	// Memory of one instance in bytes, rounded down to whole pages of 64 KiB.
	// 256 MiB.
	Memory int64
	// Time of one call, the start of an instance included. 10 seconds.
	Time time.Duration
	// Input is the size of a build file in bytes. 4 MiB.
	Input int
	// Output is the size of a response in bytes. 32 MiB.
	Output int
	// Module is the size of a module in bytes. 64 MiB.
	Module int64
}

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 256 << 20
	}
	if l.Time == 0 {
		l.Time = 10 * time.Second
	}
	if l.Input == 0 {
		l.Input = 4 << 20
	}
	if l.Output == 0 {
		l.Output = 32 << 20
	}
	if l.Module == 0 {
		l.Module = 64 << 20
	}
	return l
}

// Runner loads modules. It is safe for concurrent use.
type Runner struct {
	cache  *cache
	limits Limits
	// alive ends with Close: compilations that nobody waits for stop counting.
	alive context.Context
	end   context.CancelFunc

	mu      sync.Mutex
	modules map[string]*Module
	closed  bool
	// compiling counts the compilations in the background.
	compiling int
}

// Open returns a Runner with compiled code in the folder, which is made when there
// is something to keep. It refuses a folder that others can write to. Where nothing
// can be written, and with an empty name, nothing is kept: every process interprets
// first.
func Open(cacheDir string, limits Limits) (*Runner, error) {
	c, err := openCache(cacheDir)
	if err != nil {
		return nil, err
	}
	alive, end := context.WithCancel(context.Background())
	return &Runner{
		cache: c, limits: limits.withDefaults(),
		alive: alive, end: end, modules: map[string]*Module{},
	}, nil
}

// Load reads a module and checks that it has the digest ("sha256:…"). The same
// digest is loaded once. The error is a *manifest.ChecksumError or a *Failed.
func (r *Runner) Load(ctx context.Context, path, digest string) (*Module, error) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, errClosed
	}
	m, ok := r.modules[digest]
	if !ok {
		m = &Module{runner: r, path: path, digest: digest}
		r.modules[digest] = m
	}
	r.mu.Unlock()

	m.loading.Lock()
	defer m.loading.Unlock()
	if m.loaded {
		return m, nil
	}
	if err := m.load(ctx); err != nil {
		r.forget(m)
		return nil, err
	}
	m.loaded = true
	return m, nil
}

// Precompile fills the cache with the compiled module, if it is not there yet.
// It is what installing a plugin does.
func (r *Runner) Precompile(ctx context.Context, path, digest string) error {
	code, err := r.read(path, digest)
	if err != nil {
		return err
	}
	e, err := r.compile(ctx, path, digest, code)
	if err != nil {
		return err
	}
	e.close()
	return nil
}

// Compiled says whether the compile cache has a module.
func (r *Runner) Compiled(digest string) bool { return r.cache.has(digest) }

// Drop removes compiled modules that are not installed any more. One that a
// process compiles stays.
func (r *Runner) Drop(digests ...string) {
	if r.cache == nil {
		return
	}
	for _, digest := range digests {
		r.cache.dropIdle(digest)
	}
}

// Collect removes compiled code that was not used for a month.
func (r *Runner) Collect() {
	if r.cache != nil {
		r.cache.collect()
	}
}

// Compiling says whether a module is being compiled in the background: a
// process that ends now leaves the cache without it.
func (r *Runner) Compiling() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.compiling > 0
}

// Close ends all instances. It does not wait for a compilation in the
// background.
func (r *Runner) Close() error {
	r.end()
	r.mu.Lock()
	r.closed = true
	modules := r.modules
	r.modules = nil
	r.mu.Unlock()
	for _, m := range modules {
		_ = m.Close()
	}
	return nil
}

// forget makes the next Load of the module's digest load it again.
func (r *Runner) forget(m *Module) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.modules[m.digest] == m {
		delete(r.modules, m.digest)
	}
}

// read returns the code of a module whose digest is right.
func (r *Runner) read(path, digest string) ([]byte, error) {
	code, err := readFile(path, r.limits.Module)
	if err != nil {
		return nil, err
	}
	return code, verify(path, digest, code)
}

// verify returns a *manifest.ChecksumError when the code is another one.
func verify(path, digest string, code []byte) error {
	got, err := manifest.Digest(bytes.NewReader(code))
	if err != nil {
		return err
	}
	if got != digest {
		return &manifest.ChecksumError{Path: path, Want: digest, Got: got}
	}
	return nil
}

func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, &Failed{Reason: ReasonModule, Path: path,
			Message: fmt.Sprintf("the module has %d bytes, more than %d", info.Size(), limit)}
	}
	// One byte more than there should be, so that io.ReadFull sees the end.
	b := make([]byte, info.Size()+1)
	n, err := io.ReadFull(file, b)
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading %s: it changed meanwhile", path)
	}
	return b[:n], nil
}
