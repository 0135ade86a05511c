// SPDX-License-Identifier: Apache-2.0

// Package module looks into WebAssembly binaries: whether one is a module or a
// component, and what it imports and exports. It does not validate code.
package module

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Preview1 is the module that a WASI preview1 module imports from.
const Preview1 = "wasi_snapshot_preview1"

// Module is what is known about a core module.
type Module struct {
	// Imports are the modules it imports from, sorted, each once.
	Imports []string
	// Exports are the names it exports, in order.
	Exports []string
}

// ErrComponent says that a binary is a component, not a core module.
var ErrComponent = errors.New("it is a component, not a module")

// The ids of the sections that are read.
const (
	sectionImport = 2
	sectionExport = 7
)

// maxSection bounds the sections that are read, in bytes, so that a damaged
// file cannot fill the memory.
const maxSection = 16 << 20

// Open reads the module in a file.
func Open(path string) (*Module, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading module: %w", err)
	}
	defer f.Close()
	m, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("reading module %q: %w", path, err)
	}
	return m, nil
}

// Read reads a module. A component is an ErrComponent.
func Read(r io.Reader) (*Module, error) {
	in := bufio.NewReader(r)
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil || string(head[:4]) != "\x00asm" {
		return nil, errors.New("it is not WebAssembly")
	}
	switch version := binary.LittleEndian.Uint32(head[4:]); version {
	case 1:
		return sections(in)
	case 0x1000d:
		return nil, ErrComponent
	default:
		return nil, fmt.Errorf("it has the unknown version %#x", version)
	}
}

// sections reads the sections of a module, up to the end.
func sections(in *bufio.Reader) (*Module, error) {
	m := &Module{}
	for {
		id, err := in.ReadByte()
		if errors.Is(err, io.EOF) {
			slices.Sort(m.Imports)
			m.Imports = slices.Compact(m.Imports)
			return m, nil
		}
		size, sizeErr := binary.ReadUvarint(in)
		if err := errors.Join(err, sizeErr); err != nil {
			return nil, fmt.Errorf("it ends too early: %w", err)
		}
		if err := m.section(in, id, size); err != nil {
			return nil, err
		}
	}
}

// section reads or skips one section.
func (m *Module) section(in *bufio.Reader, id byte, size uint64) error {
	if id != sectionImport && id != sectionExport {
		if n, err := io.CopyN(io.Discard, in, int64(min(size, 1<<40))); err != nil {
			return fmt.Errorf("section %d ends after %d of %d bytes", id, n, size)
		}
		return nil
	}
	if size > maxSection {
		return fmt.Errorf("section %d has %d bytes", id, size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(in, body); err != nil {
		return fmt.Errorf("section %d ends too early", id)
	}
	d := &decoder{rest: body}
	for n := d.number(); n > 0 && d.err == nil; n-- {
		if id == sectionImport {
			m.Imports = append(m.Imports, d.importEntry())
		} else {
			m.Exports = append(m.Exports, d.exportEntry())
		}
	}
	if d.err != nil {
		return fmt.Errorf("section %d is damaged", id)
	}
	return nil
}

// Foreign returns the modules it imports from that WASI preview1 does not have.
func (m *Module) Foreign() []string {
	return slices.DeleteFunc(slices.Clone(m.Imports), func(s string) bool { return s == Preview1 })
}

// IsCommand says whether it is a command: it exports what a WASI host calls to
// run a program.
func (m *Module) IsCommand() bool { return slices.Contains(m.Exports, "_start") }
