// SPDX-License-Identifier: Apache-2.0

// Wasmtime-run runs a WASI preview1 command module on wasmtime, with this
// program's stdin, stdout and stderr, the arguments after it, and nothing else.
// It is a second engine for the conformance suite: --engine 'wasmtime-run
// {module}'.
//
// Its exit code is the module's, 134 after a trap, and 2 when the module cannot
// be run; stderr says why. To wasmtime, an exit code over 125 is a trap.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// Exit codes that are not the module's.
const (
	codeUnusable = 2
	codeTrap     = 134
)

func main() {
	cache := flag.String("cache", "", "keep translated modules in this `folder`")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: wasmtime-run [-cache FOLDER] MODULE [ARGUMENT…]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(codeUnusable)
	}
	engine := newEngine()
	module, err := load(engine, flag.Arg(0), *cache)
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasmtime-run:", err)
		os.Exit(codeUnusable)
	}
	code, err := run(engine, module, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasmtime-run:", err)
	}
	os.Exit(code)
}

// run runs a module to its end. Without arguments, of which the first is its
// name, it is not told its name either.
func run(engine *wasmtime.Engine, module *wasmtime.Module, args []string) (code int, err error) {
	store := newStore(engine, args)
	linker, err := newWorld(engine)
	if err != nil {
		return codeUnusable, err
	}
	instance, err := linker.Instantiate(store, module)
	if err != nil {
		return codeUnusable, err
	}
	start := instance.GetFunc(store, "_start")
	if start == nil {
		return codeUnusable, errors.New("the module exports no _start: it is no WASI command")
	}
	_, err = start.Call(store)
	var exit *wasmtime.Error
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit):
		if status, ok := exit.ExitStatus(); ok {
			return int(status), nil
		}
	}
	return codeTrap, err
}
