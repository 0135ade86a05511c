// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// The kinds of what a module imports and exports.
const (
	functionKind = 0
	tableKind    = 1
	memoryKind   = 2
	globalKind   = 3
	tagKind      = 4
)

// module is what a wasm module wants and gives. It is read here and not by an
// engine: also where the module runs by another one, the contract is the same.
type module struct {
	imports []imported
	exports map[string]byte // kinds by name
}

type imported struct {
	module, name string
	kind         byte
}

// The numbers of the sections that are read.
const (
	importSection = 2
	exportSection = 7
)

var errShort = errors.New("it ends too early")

// readModule reads a binary module.
func readModule(data []byte) (*module, error) {
	data, ok := bytes.CutPrefix(data, []byte("\x00asm\x01\x00\x00\x00"))
	if !ok {
		return nil, errors.New("it does not begin like a module of version 1")
	}
	m := &module{exports: map[string]byte{}}
	for r := (&reader{rest: data}); len(r.rest) > 0; {
		id := r.byte()
		content := &reader{rest: r.bytes(r.number())}
		switch id {
		case importSection:
			m.readImports(content)
		case exportSection:
			m.readExports(content)
		}
		if err := errors.Join(r.err, content.err); err != nil {
			return nil, fmt.Errorf("section %d: %w", id, err)
		}
	}
	return m, nil
}

func (m *module) readImports(r *reader) {
	for n := r.number(); n > 0 && r.err == nil; n-- {
		i := imported{module: string(r.bytes(r.number())), name: string(r.bytes(r.number())), kind: r.byte()}
		switch i.kind {
		case functionKind:
			r.number()
		case tableKind:
			r.byte()
			r.limits()
		case memoryKind:
			r.limits()
		case globalKind, tagKind:
			r.byte()
			r.number()
		default:
			r.err = fmt.Errorf("an import of kind %d", i.kind)
		}
		m.imports = append(m.imports, i)
	}
}

func (m *module) readExports(r *reader) {
	for n := r.number(); n > 0 && r.err == nil; n-- {
		name := string(r.bytes(r.number()))
		m.exports[name] = r.byte()
		r.number()
	}
}

// reader reads bytes. After an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) byte() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.rest, r.err = nil, errShort
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// number reads an unsigned LEB128.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.rest, r.err = nil, errShort
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// limits reads the size of a table or memory: a least one, and a greatest one
// when the lowest flag is set.
func (r *reader) limits() {
	flags := r.number()
	r.number()
	if flags&1 != 0 {
		r.number()
	}
}
