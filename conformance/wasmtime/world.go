// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

const (
	wasi = "wasi_snapshot_preview1"
	// maxMemory is the most memory that a module may have, as with the host.
	maxMemory = 256 << 20
	// maxTable is how many elements its tables may have.
	maxTable = 1 << 20
	// maxStack is how much of the thread's stack it may use. Wasmtime's default
	// of 512 KiB is less than other engines give, and too little for a Go
	// program that follows 10,000 nested brackets; a thread has 8 MiB.
	maxStack = 4 << 20
)

// Answers of WASI functions.
const (
	success int32 = 0
	fault   int32 = 21
)

// newEngine is wasmtime with everything fixed that a result could depend on.
func newEngine() *wasmtime.Engine {
	config := wasmtime.NewConfig()
	config.SetMaxWasmStack(maxStack)
	config.SetCraneliftNanCanonicalization(true)
	config.SetWasmRelaxedSIMDDeterministic(true)
	return wasmtime.NewEngineWithConfig(config)
}

func newStore(engine *wasmtime.Engine, args []string) *wasmtime.Store {
	store := wasmtime.NewStore(engine)
	store.Limiter(maxMemory, maxTable, 1, -1, 1)
	stdio := wasmtime.NewWasiConfig() // no environment or folders
	if len(args) > 1 {
		stdio.SetArgv(args)
	}
	stdio.InheritStdin()
	stdio.InheritStdout()
	stdio.InheritStderr()
	store.SetWasi(stdio)
	return store
}

// newWorld is what a module may import: WASI, in which the clock stands still
// and random bytes are always the same (SPEC F6), by other functions in place
// of wasmtime's. One thing goes on as it is: poll_oneoff, by which a module can
// sleep, takes real time.
func newWorld(engine *wasmtime.Engine) (*wasmtime.Linker, error) {
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		return nil, err
	}
	linker.AllowShadowing(true)
	for name, f := range map[string]any{
		"clock_time_get": clockTimeGet,
		"random_get":     randomGet,
	} {
		if err := linker.FuncWrap(wasi, name, f); err != nil {
			return nil, err
		}
	}
	return linker, nil
}

// clockTimeGet says that it is always the same nanosecond. Clock 0 is the real
// time; the others count from somewhere.
func clockTimeGet(caller *wasmtime.Caller, clock int32, _ int64, result int32) int32 {
	at, ok := memory(caller, result, 8)
	if !ok {
		return fault
	}
	now := uint64(1)
	if clock == 0 {
		now = 1_600_000_000_000_000_000
	}
	binary.LittleEndian.PutUint64(at, now)
	return success
}

// randomGet gives the bytes that the host gives.
func randomGet(caller *wasmtime.Caller, buffer, size int32) int32 {
	at, ok := memory(caller, buffer, size)
	if !ok {
		return fault
	}
	for i := range at {
		at[i] = byte(i*167 + 91)
	}
	return success
}

// memory is a piece of the module's memory, if all of it is there.
func memory(caller *wasmtime.Caller, start, size int32) ([]byte, bool) {
	export := caller.GetExport("memory")
	if export == nil || export.Memory() == nil {
		return nil, false
	}
	all := export.Memory().UnsafeData(caller)
	from, to := uint64(uint32(start)), uint64(uint32(start))+uint64(uint32(size))
	if to > uint64(len(all)) {
		return nil, false
	}
	return all[from:to], true
}
