// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Test guests are assembled by hand: small, hence compiled at once, and able
// to do what no compiler emits.

// guest is a module in parts. The zero value exports _start, which returns.
type guest struct {
	// start is the code of _start, without its end; locals are its i32 locals.
	start  []byte
	locals byte
	// functions follow _start; each has type () → () and no locals.
	functions [][]byte
	// imports are functions; the first has index 0. All before _start.
	imports []imported
	// pages and maxPages are those of the memory; 0 for no maximum.
	pages, maxPages uint64
	tables          []byte
	noStart         bool
	data            []byte // at address 4096
}

// imported is a function, all of its parameters and its result i32.
type imported struct {
	module, name string
	params       int
	result       bool
}

func uleb(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func vector(items ...[]byte) []byte {
	return append(uleb(uint64(len(items))), slices.Concat(items...)...)
}

func sized(b []byte) []byte { return append(uleb(uint64(len(b))), b...) }

func name(s string) []byte { return sized([]byte(s)) }

func section(id byte, b []byte) []byte { return append([]byte{id}, sized(b)...) }

func (g guest) bytes() []byte {
	types := [][]byte{{0x60, 0, 0}}
	var imports [][]byte
	for i, f := range g.imports {
		results := []byte{0}
		if f.result {
			results = []byte{1, 0x7f}
		}
		types = append(types, slices.Concat([]byte{0x60}, sized([]byte(strings.Repeat("\x7f", f.params))), results))
		imports = append(imports, slices.Concat(name(f.module), name(f.name), []byte{0}, uleb(uint64(i+1))))
	}
	functions, bodies := [][]byte{{0}}, [][]byte{sized(slices.Concat([]byte{1, g.locals, 0x7f}, g.start, []byte{0x0b}))}
	for _, f := range g.functions {
		functions, bodies = append(functions, []byte{0}), append(bodies, sized(slices.Concat([]byte{0}, f, []byte{0x0b})))
	}
	memory := append([]byte{0}, uleb(max(1, g.pages))...)
	if g.maxPages > 0 {
		memory = slices.Concat([]byte{1}, uleb(max(1, g.pages)), uleb(g.maxPages))
	}
	exports := [][]byte{append(name("memory"), 2, 0)}
	if !g.noStart {
		exports = append(exports, slices.Concat(name("_start"), []byte{0}, uleb(uint64(len(g.imports)))))
	}
	all := slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector(types...)), section(2, vector(imports...)), section(3, vector(functions...)))
	if g.tables != nil {
		all = append(all, section(4, g.tables)...)
	}
	all = slices.Concat(all, section(5, vector(memory)), section(7, vector(exports...)), section(10, vector(bodies...)))
	if g.data != nil {
		all = append(all, section(11, vector(slices.Concat([]byte{0}, i32(4096), []byte{0x0b}, sized(g.data))))...)
	}
	return all
}

// i32 pushes a constant.
func i32(n int32) []byte {
	b := []byte{0x41}
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Functions that guests import, by index when fdIO is imported.
const (
	fdRead = iota
	fdWrite
)

var fdIO = []imported{{wasi, "fd_read", 4, true}, {wasi, "fd_write", 4, true}}

func call(function byte) []byte { return []byte{0x10, function} }

// io reads or writes size bytes at an address; the error code is dropped. The
// iovec is at 0, the number of bytes moved at 8.
func ioCode(function byte, fd, address, size int32) []byte {
	return slices.Concat(i32(0), i32(address), []byte{0x36, 2, 0}, i32(4), i32(size), []byte{0x36, 2, 0},
		i32(fd), i32(0), i32(1), i32(8), call(function), []byte{0x1a})
}

func read() []byte                         { return ioCode(fdRead, 0, 1024, 2048) }
func write(fd, address, size int32) []byte { return ioCode(fdWrite, fd, address, size) }

// loop runs code for ever.
func loop(code ...[]byte) []byte {
	return slices.Concat([]byte{0x03, 0x40}, slices.Concat(code...), []byte{0x0c, 0, 0x0b})
}

// untilEnd returns from the function when the last read found the end.
func untilEnd() []byte {
	return slices.Concat(i32(8), []byte{0x28, 2, 0}, []byte{0x45, 0x04, 0x40, 0x0f, 0x0b}) // i32.load eqz if return end
}

// copyID puts the request's id, which must be small, into the response at 4096.
func copyID() []byte {
	return slices.Concat(i32(4098), i32(1026), []byte{0x2d, 0, 0}, []byte{0x3a, 0, 0}) // load8_u store8
}

// emptyResponse is a frame: id 0, an empty parse.
const emptyResponse = "\x04\x08\x00\x12\x00"

// answering is a good frontend: every file means nothing. extra runs before
// each answer.
func answering(extra ...[]byte) guest {
	return guest{imports: fdIO, data: []byte(emptyResponse),
		start: loop(read(), untilEnd(), copyID(), slices.Concat(extra...), write(1, 4096, 5))}
}

// save writes a module and returns its path and digest.
func save(t testing.TB, module []byte) (path, digest string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	digest, err := manifest.Digest(strings.NewReader(string(module)))
	if err != nil {
		t.Fatal(err)
	}
	return path, digest
}
