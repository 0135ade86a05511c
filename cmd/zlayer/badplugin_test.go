// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/backend/serve"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// The programs of this file are for the scripts about bad input. The test
// binary plays them, see TestMain.

// fatal ends a program of the scripts that was called wrongly.
func fatal(a ...any) {
	fmt.Fprintln(os.Stderr, a...)
	os.Exit(1)
}

// exits runs a command and fails unless it ends with the code given first. A
// command that fails must say why, and never with the text of a panic.
//
//	exec exits 3 zlayer build .
func exits() {
	want, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fatal(err)
	}
	var stderr, stdout bytes.Buffer
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin = os.Stdin
	cmd.Stdout = io.MultiWriter(os.Stdout, &stdout)
	cmd.Stderr = io.MultiWriter(os.Stderr, &stderr)
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		fatal(err)
	}
	said := stdout.String() + stderr.String()
	switch got := cmd.ProcessState.ExitCode(); {
	case got != want:
		fatal("exits: got", got, "and wanted", want)
	case strings.Contains(said, "panic:") || strings.Contains(said, "goroutine "):
		fatal("exits: the user is shown a panic")
	case want != 0 && said == "":
		fatal("exits: not a word about why")
	}
}

// badPlugin makes the parts of broken plugins.
//
//	exec badplugin wasm KIND FILE   writes a frontend that is broken so
//	exec badplugin flip FILE        flips a bit in the middle of a file
//	badplugin serve KIND            is a backend that is broken so
func badPlugin() {
	switch os.Args[1] {
	case "wasm":
		writeWasm(os.Args[2], os.Args[3])
	case "flip":
		flip(os.Args[2])
	case "serve":
		serve.Main(badBackend(os.Args[2]))
	default:
		fatal("badplugin: unknown", os.Args[1])
	}
}

func flip(name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		fatal(err)
	}
	data[len(data)/2] ^= 1
	// The mode of a file that is there stays.
	if err := os.WriteFile(name, data, 0o755); err != nil {
		fatal(err)
	}
}

// wasmCode is the code of _start of each kind of broken frontend. Function 0 is
// fd_write, 1 is proc_exit; wasmText is ready to be written.
var wasmCode = map[string][]byte{
	"trap": {0x00},                         // unreachable
	"loop": {0x03, 0x40, 0x0c, 0x00, 0x0b}, // loop: br 0
	"rubbish": { // fd_write(1, text), until its reader is gone
		0x03, 0x40, 0x41, 1, 0x41, 0, 0x41, 1, 0x41, 8, 0x10, 0, 0x1a, 0x0c, 0x00, 0x0b},
	"exit": { // fd_write(2, text); proc_exit(3)
		0x41, 2, 0x41, 0, 0x41, 1, 0x41, 8, 0x10, 0, 0x1a, 0x41, 3, 0x10, 1},
	"silent": {}, // ends without a word
}

const wasmText = "I am no frontend\n"

// writeWasm assembles a module of one function, small enough to be read.
func writeWasm(kind, file string) {
	code, ok := wasmCode[kind]
	if !ok {
		fatal("badplugin: no wasm of kind", kind)
	}
	const i32, wasi = 0x7f, "\x16wasi_snapshot_preview1"
	text := slices.Concat([]byte{16, 0, 0, 0, byte(len(wasmText)), 0, 0, 0}, make([]byte, 8), []byte(wasmText))
	module := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		// Types: () → (), (i32, i32, i32, i32) → i32, (i32) → ().
		wasmSection(1, 3, []byte{0x60, 0, 0, 0x60, 4, i32, i32, i32, i32, 1, i32, 0x60, 1, i32, 0}),
		wasmSection(2, 2, []byte(wasi+"\x08fd_write\x00\x01"+wasi+"\x09proc_exit\x00\x02")),
		wasmSection(3, 1, []byte{0}),
		wasmSection(5, 1, []byte{0, 1}),
		wasmSection(7, 2, []byte("\x06memory\x02\x00\x06_start\x00\x02")),
		wasmSection(10, 1, slices.Concat([]byte{byte(len(code) + 2), 0}, code, []byte{0x0b})),
		wasmSection(11, 1, slices.Concat([]byte{0, 0x41, 0, 0x0b, byte(len(text))}, text)),
	)
	if err := os.WriteFile(file, module, 0o644); err != nil {
		fatal(err)
	}
}

// wasmSection returns a section with a list of items; all lengths fit a byte.
func wasmSection(id byte, items int, content []byte) []byte {
	return append([]byte{id, byte(len(content) + 1), byte(items)}, content...)
}

// badBackend is a backend that comes up well and is broken in the way it says.
type badBackend string

func (b badBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	if b == "describe-hangs" {
		<-ctx.Done()
	}
	here := &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}
	return &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: here, Run: backendv1.RunMode_RUN_MODE_NATIVE}}}, nil
}

func (b badBackend) Build(_ context.Context, _ *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	job.StepStarted(&backendv1.StepRef{}, "")
	digest := "sha256:" + strings.Repeat("5", 64)
	switch b {
	case "dies":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(9)
	case "panics":
		panic("out of luck")
	case "no-digest":
		digest = "../../etc/passwd"
	}
	return &backendv1.Artifact{Handle: "h", Blobs: []*backendv1.Blob{{Digest: digest, Size: 1024}}}, nil
}

func (badBackend) Has(context.Context, *backendv1.HasRequest) (bool, error) { return true, nil }

// Export writes something else than what was asked for, or nothing.
func (b badBackend) Export(_ context.Context, r *backendv1.ExportRequest) error {
	if b == "exports-nothing" {
		return nil
	}
	for _, digest := range r.GetDigests() {
		_, hex, _ := strings.Cut(digest, ":")
		if err := os.WriteFile(filepath.Join(r.GetDirectory(), hex), []byte("rubbish"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (badBackend) Remove(context.Context, *backendv1.RemoveRequest) error { return nil }
