// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

const (
	// maxPages is the most memory an instance may have: 256 MiB, as with the
	// host.
	maxPages = 256 << 20 / (64 << 10)
	// settle is how long an instance gets to end after its ctx. Machine code
	// stops only where a loop begins; what runs straight on is left alone.
	settle = 5 * time.Second
)

// inProcess is wazero with the modules that it has translated.
type inProcess struct {
	runtime wazero.Runtime
	running sync.WaitGroup
	ctx     context.Context // ends with close
	end     context.CancelFunc

	mu      sync.Mutex
	modules map[string]wazero.CompiledModule // by path
}

func newInProcess(cache string) (*inProcess, error) {
	config := wazero.NewRuntimeConfig().WithCloseOnContextDone(true).WithMemoryLimitPages(maxPages)
	if cache != "" {
		c, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, fmt.Errorf("opening the cache of translated modules: %w", err)
		}
		config = config.WithCompilationCache(c)
	}
	ctx, end := context.WithCancel(context.Background())
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		end()
		return nil, err
	}
	return &inProcess{runtime: runtime, ctx: ctx, end: end, modules: map[string]wazero.CompiledModule{}}, nil
}

// load translates a module, once for each path.
func (p *inProcess) load(path string) (wazero.CompiledModule, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.modules[path]; m != nil {
		return m, nil
	}
	code, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the module: %w", err)
	}
	m, err := p.runtime.CompileModule(experimental.WithCompilationWorkers(p.ctx, 2), code)
	if err != nil {
		return nil, fmt.Errorf("translating %s: %w", path, err)
	}
	if m.ExportedFunctions()["_start"] == nil {
		return nil, fmt.Errorf("%s exports no _start: it is no WASI command", path)
	}
	p.modules[path] = m
	return m, nil
}

// ending is how a module ended.
type ending struct {
	code int
	err  error
}

func (p *inProcess) start(ctx context.Context, path string, args []string) (*Instance, error) {
	module, err := p.load(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(p.ctx, cancel)
	stdin, toStdin := io.Pipe()
	fromStdout, stdout := io.Pipe()
	unblock := context.AfterFunc(ctx, func() {
		stdin.CloseWithError(ctx.Err())
		stdout.CloseWithError(ctx.Err())
	})
	i := &Instance{Stdin: toStdin, Stdout: fromStdout, stderr: &tail{}}
	var memory atomic.Pointer[api.Memory] // once there is one
	i.memory = func() uint64 { return size(memory.Load()) }
	done := make(chan ending, 1)
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		code, err := p.run(ctx, module, world(args).WithStdin(stdin).WithStdout(stdout).WithStderr(i.stderr), &memory)
		unblock()
		stop()
		cancel()
		stdin.CloseWithError(io.ErrClosedPipe)
		stdout.Close()
		done <- ending{code, err}
	}()
	i.wait = sync.OnceValues(func() (int, error) { return await(ctx, done) })
	return i, nil
}

// world is all that a module sees (SPEC F6).
func world(args []string) wazero.ModuleConfig {
	return wazero.NewModuleConfig().WithName("").WithArgs(args...).
		WithWalltime(func() (int64, int32) { return 1_600_000_000, 0 }, 1).
		WithNanotime(func() int64 { return 1 }, 1).
		WithRandSource(sameBytes{})
}

// sameBytes are the random bytes of every module.
type sameBytes struct{}

func (sameBytes) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i*167 + 91)
	}
	return len(b), nil
}

// run runs a module to its end.
func (p *inProcess) run(ctx context.Context, module wazero.CompiledModule, config wazero.ModuleConfig, memory *atomic.Pointer[api.Memory]) (code int, err error) {
	defer func() {
		if v := recover(); v != nil {
			code, err = -1, fmt.Errorf("wazero gave up: %v", v)
		}
	}()
	m, err := p.runtime.InstantiateModule(ctx, module, config.WithStartFunctions())
	if err == nil {
		defer m.Close(context.WithoutCancel(ctx))
		its := m.Memory()
		memory.Store(&its)
		_, err = m.ExportedFunction("_start").Call(ctx)
	}
	var exit *sys.ExitError
	switch {
	case ctx.Err() != nil:
		return -1, ctx.Err()
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		return int(exit.ExitCode()), nil
	}
	reason, _, _ := strings.Cut(err.Error(), "\n")
	return -1, errors.New(reason)
}

// size is how large a memory is; 0 for none.
func size(m *api.Memory) uint64 {
	if m == nil || *m == nil {
		return 0
	}
	return uint64((*m).Size())
}

// await waits for the end of a module, but not for ever after that of ctx.
func await(ctx context.Context, done <-chan ending) (int, error) {
	select {
	case e := <-done:
		return e.code, e.err
	case <-ctx.Done():
	}
	select {
	case e := <-done:
		return e.code, e.err
	case <-time.After(settle):
		return -1, fmt.Errorf("the module still runs %v after it was told to end: %w", settle, ctx.Err())
	}
}

// close ends all instances and frees the modules. The code of one that does not
// end stays.
func (p *inProcess) close() error {
	p.end()
	ended := make(chan struct{})
	go func() {
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return p.runtime.Close(context.Background())
	case <-time.After(settle):
		return errors.New("closing the engine: a module does not end")
	}
}
