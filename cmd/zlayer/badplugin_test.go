// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
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

// broken makes what the scripts cannot hold.
//
//	exec broken wasm KIND FILE    a frontend that is broken so
//	exec broken flip FILE         a bit in the middle of a file is flipped
//	exec broken line N FILE       a Dockerfile with a line of N bytes
//	exec broken nul FILE          a text with a NUL
//	exec broken socket FILE       a socket
//	exec broken newline FOLDER    a file whose name is two lines
//	broken serve KIND             a backend that is broken so
func broken() {
	args := os.Args[2:]
	var err error
	switch os.Args[1] {
	case "wasm":
		err = writeWasm(args[0], args[1])
	case "flip":
		err = flip(args[0])
	case "line":
		err = writeLine(args[0], args[1])
	case "nul":
		err = os.WriteFile(args[0], []byte("FROM scratch\nLABEL a=\x00\n"), 0o644)
	case "socket":
		err = bind(args[0])
	case "newline":
		err = os.WriteFile(filepath.Join(args[0], "one\ntwo"), nil, 0o644)
	case "serve":
		serve.Main(badBackend(args[0]))
	default:
		fatal("broken: unknown", os.Args[1])
	}
	if err != nil {
		fatal("broken:", err)
	}
}

func flip(name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	data[len(data)/2] ^= 1
	return os.WriteFile(name, data, 0o644) // a file that is there keeps its mode
}

func writeLine(size, name string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte("FROM scratch\nLABEL a="+strings.Repeat("x", n)+"\nFOO\n"), 0o644)
}

// bind leaves a socket. Its path would be too long for an address.
func bind(name string) error {
	if err := os.Chdir(filepath.Dir(name)); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Base(name)})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
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
func writeWasm(kind, file string) error {
	code, ok := wasmCode[kind]
	if !ok {
		return fmt.Errorf("no wasm of kind %q", kind)
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
	return os.WriteFile(file, module, 0o644)
}

// wasmSection returns a section with a list of items; all lengths fit a byte.
func wasmSection(id byte, items int, content []byte) []byte {
	return append([]byte{id, byte(len(content) + 1), byte(items)}, content...)
}

// badBackend is a backend that comes up well and is broken in the way it says.
// The kinds "works", "trial" and "moody" are not: what a trial runs is
// experimental, and a moody one runs nothing while the variable MOOD is bad.
type badBackend string

// emptyTar is the only layer that it makes.
var emptyTar = make([]byte, 1024)

func (b badBackend) Describe(ctx context.Context, _ *backendv1.DescribeRequest) (*backendv1.DescribeResponse, error) {
	if b == "describe-hangs" {
		<-ctx.Done()
	}
	here := &irv1.Platform{Os: "linux", Architecture: runtime.GOARCH}
	d := &backendv1.DescribeResponse{Platforms: []*backendv1.PlatformSupport{{Platform: here, Run: backendv1.RunMode_RUN_MODE_NATIVE}}}
	if b == "trial" {
		d.Subtracted = []*backendv1.Subtraction{{Feature: "exec", Reason: backend.ReasonExperimental, Message: "nobody has run it here"}}
	}
	if b == "moody" && os.Getenv("MOOD") == "bad" {
		d.Subtracted = []*backendv1.Subtraction{{Feature: "exec", Reason: "mood", Message: "the mood is bad", Alternative: "set MOOD=good"}}
	}
	return d, nil
}

// Build says that the first step made a layer.
func (b badBackend) Build(ctx context.Context, start *backendv1.Start, job backend.Job) (*backendv1.Artifact, error) {
	described, err := b.Describe(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err := backend.CheckExperimental(described, start); err != nil {
		return nil, err
	}
	ref := &backendv1.StepRef{}
	job.StepStarted(ref, "")
	blob := &backendv1.Blob{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(emptyTar)), Size: int64(len(emptyTar)), Ref: ref}
	switch b {
	case "works":
		value, ok, err := job.Secret(ctx, "token")
		job.Output(ref, false, fmt.Appendf(nil, "a secret of %d bytes, %v, %v\n", len(value), ok, err))
	case "dies":
		fmt.Fprintln(os.Stderr, "out of luck")
		os.Exit(9)
	case "panics":
		panic("out of luck")
	case "no-digest":
		blob.Digest = "../../etc/passwd"
	case "no-step":
		blob.Ref = &backendv1.StepRef{Stage: 7}
	}
	return &backendv1.Artifact{Handle: "h", Blobs: []*backendv1.Blob{blob}}, nil
}

func (badBackend) Has(context.Context, *backendv1.HasRequest) (bool, error) { return true, nil }

func (b badBackend) Export(_ context.Context, r *backendv1.ExportRequest) error {
	content := emptyTar
	switch b {
	case "exports-nothing":
		return nil
	case "exports-rubbish":
		content = []byte("rubbish")
	}
	for _, digest := range r.GetDigests() {
		_, hex, _ := strings.Cut(digest, ":")
		if err := os.WriteFile(filepath.Join(r.GetDirectory(), hex), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (badBackend) Remove(context.Context, *backendv1.RemoveRequest) error { return nil }
