// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"context"
	"errors"
	"io/fs"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

const wasi = wasi_snapshot_preview1.ModuleName

// engine is a module made ready to run.
type engine struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// compile makes the module ready to run as machine code, from the cache if it
// is there. Only one goroutine of one process compiles a module.
func (r *Runner) compile(ctx context.Context, path, digest string, code []byte) (*engine, error) {
	if r.cache == nil {
		return r.newEngine(ctx, path, code, wazero.NewRuntimeConfig())
	}
	if r.cache.has(digest) {
		if e, err := r.cached(ctx, path, digest, code); err == nil {
			return e, nil
		}
		// It is damaged, or was dropped just now.
	}
	unlock, err := r.cache.lock(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer unlock()
	e, err := r.cached(ctx, path, digest, code)
	var bad *Failed
	if err != nil && !errors.As(err, &bad) {
		// A damaged entry: the module itself was compiled once.
		r.cache.drop(digest)
		e, err = r.cached(ctx, path, digest, code)
	}
	return e, err
}

// ready is compile, but without the cache where that cannot be used: a state
// folder may be full, or only for reading.
func (r *Runner) ready(ctx context.Context, path, digest string, code []byte) (*engine, error) {
	e, err := r.compile(ctx, path, digest, code)
	var bad *Failed
	if err == nil || errors.As(err, &bad) || ctx.Err() != nil {
		return e, err
	}
	return r.newEngine(ctx, path, code, wazero.NewRuntimeConfig())
}

// cached compiles with the cache; the error is a *Failed if there is no entry
// that could be to blame.
func (r *Runner) cached(ctx context.Context, path, digest string, code []byte) (*engine, error) {
	dir, err := r.cache.folder(digest)
	if err != nil {
		return nil, err
	}
	hit := r.cache.has(digest)
	c, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil, &CacheError{err}
	}
	e, err := r.newEngine(ctx, path, code, wazero.NewRuntimeConfig().WithCompilationCache(c))
	var bad *Failed
	if hit && errors.As(err, &bad) {
		return nil, bad.Err
	}
	return e, err
}

// interpret makes the module ready to be interpreted: slow, but at once.
func (r *Runner) interpret(ctx context.Context, path string, code []byte) (*engine, error) {
	return r.newEngine(ctx, path, code, wazero.NewRuntimeConfigInterpreter())
}

func (r *Runner) newEngine(ctx context.Context, path string, code []byte, config wazero.RuntimeConfig) (*engine, error) {
	code, err := harden(code)
	if err != nil {
		return nil, &Failed{Reason: ReasonModule, Path: path, Message: "the file is no frontend", Err: err}
	}
	// The limit of memory is that of each instance, see memory.
	config = config.WithCloseOnContextDone(true).WithDebugInfoEnabled(false)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	module, err := prepare(ctx, runtime, code)
	if err != nil {
		_ = runtime.Close(ctx)
		return nil, blame(path, err)
	}
	return &engine{runtime: runtime, module: module}, nil
}

// blame says whether a module or the cache is why it cannot be prepared. Of
// files there are only those of the cache.
func blame(path string, err error) error {
	var file *fs.PathError
	if errors.As(err, &file) {
		return &CacheError{err}
	}
	return &Failed{Reason: ReasonModule, Path: path, Message: "the file is no frontend", Err: err}
}

// prepare checks that the module is a WASI command that wants nothing else.
func prepare(ctx context.Context, runtime wazero.Runtime, code []byte) (wazero.CompiledModule, error) {
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return nil, err
	}
	module, err := runtime.CompileModule(experimental.WithCompilationWorkers(ctx, 2), code)
	if err != nil {
		return nil, err
	}
	given := runtime.Module(wasi).ExportedFunctionDefinitions()
	for _, f := range module.ImportedFunctions() {
		if from, name, _ := f.Import(); from != wasi || given[name] == nil {
			return nil, errors.New("it imports " + from + "." + name + ", and a frontend gets nothing but what " + wasi + " has")
		}
	}
	if len(module.ImportedMemories()) > 0 {
		return nil, errors.New("it imports a memory")
	}
	if module.ExportedFunctions()["_start"] == nil {
		return nil, errors.New("it exports no _start: build it as a WASI command, not as a reactor")
	}
	return module, nil
}

// close frees the module. No instance may run any more.
func (e *engine) close() { _ = e.runtime.Close(context.Background()) }
