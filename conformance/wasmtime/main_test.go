// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

// The test binary is the program when this variable is set.
const asProgram = "WASMTIME_RUN_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command is a module whose _start has this body, between a function that
// exits and a memory of one page.
func command(t *testing.T, body string) string {
	t.Helper()
	code, err := wasmtime.Wat2Wasm(fmt.Sprintf(`(module
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
		(memory (export "memory") 1)
		(func $deep (param i32) (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))) (i32.store (i32.const 8) (local.get 0)))
		(func (export "_start") %s))`, body))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "command.wasm")
	if err := os.WriteFile(path, code, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs the program.
func start(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, complaints bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "SECRET=there")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaints
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), complaints.String()
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		name, body string
		code       int
		stderr     string
	}{
		{"the end", ``, 0, ""},
		{"an exit code", `(call $exit (i32.const 3))`, 3, ""},
		{"a trap", `unreachable`, codeTrap, "unreachable"},
		{"an access out of bounds", `(drop (i32.load (i32.const -8)))`, codeTrap, "out of bounds"},
		{"100,000 calls in calls", `(call $deep (i32.const 100000))`, 0, ""},
		{"calls without end", `(call $deep (i32.const -1))`, codeTrap, "stack"},
		{"more memory than there is", `(call $exit (i32.eq (memory.grow (i32.const 4096)) (i32.const -1)))`, 1, ""},
		{"random bytes that are no memory", `(call $exit (call $random (i32.const 65530) (i32.const 8)))`, int(fault), ""},
		{"random bytes", `(drop (call $random (i32.const 8) (i32.const 2))) (call $exit (i32.load8_u (i32.const 9)))`, 2, ""},
		{"the time", `(drop (call $clock (i32.const 0) (i64.const 1) (i32.const 8)))
			(call $exit (i64.eq (i64.load (i32.const 8)) (i64.const 1600000000000000000)))`, 1, ""},
		{"arguments", `(drop (call $args (i32.const 8) (i32.const 12))) (call $exit (i32.load (i32.const 8)))`, 0, ""},
		{"environment", `(drop (call $environ (i32.const 8) (i32.const 12))) (call $exit (i32.load (i32.const 8)))`, 0, ""},
		{"a folder (errno 8: bad descriptor)", `(call $exit (call $prestat (i32.const 3) (i32.const 8)))`, 8, ""},
	} {
		code, _, stderr := start(t, "", command(t, c.body))
		if code != c.code || !strings.Contains(stderr, c.stderr) || c.stderr == "" && stderr != "" {
			t.Errorf("%s: exit code %d, want %d; stderr: %s", c.name, code, c.code, stderr)
		}
	}
}

func TestWhatCannotBeRun(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"a", "b"}, {text}, {"none.wasm"}} {
		if code, _, stderr := start(t, "", args...); code != codeUnusable || stderr == "" {
			t.Errorf("%q: exit code %d, stderr %q", args, code, stderr)
		}
	}
}

// copying writes 8 bytes of stdin to stdout.
const copying = `
	(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8))
	(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
	(drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`

func TestTheCacheIsUsedAndRepaired(t *testing.T) {
	module, cache := command(t, copying), filepath.Join(t.TempDir(), "cache")
	run := func() string {
		t.Helper()
		if code, out, stderr := start(t, "over the wire", "-cache", cache, module); code != 0 || out != "over the" {
			t.Fatalf("exit code %d, stdout %q, stderr %s", code, out, stderr)
		}
		names, err := filepath.Glob(filepath.Join(cache, "*"))
		if err != nil || len(names) != 1 {
			t.Fatalf("the cache holds %q, %v", names, err)
		}
		return names[0]
	}
	name := run()
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	run()
	if after, err := os.Stat(name); err != nil || !os.SameFile(before, after) {
		t.Errorf("the module was translated again: %v", err)
	}
	if err := os.WriteFile(name, []byte("of another version"), 0o600); err != nil {
		t.Fatal(err)
	}
	run()
}
