// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Some things a hostile module can do are not covered by the engine's limits, so
// the module is looked at, and changed a little, before the engine sees it.
//
// Numbers say how many items follow, and the engine believes them: see
// consistent. Locals are written as a number and a type, and take eight bytes
// each. Custom sections, which mean nothing to the program, go.
//
// Tables live in the host's memory and not in the module's, and a table without
// a maximum may grow to a gigabyte: each gets a maximum, its own size.
//
// The engine looks whether it shall stop only where a loop begins, and machine
// code cannot be interrupted from outside. A function that calls itself twice
// has no loop and needs ages. So every function begins with an empty loop.
//
// What is left is code that runs straight on: some minutes, were it a module of
// nothing but the filling of memory.

const (
	// maxElements is how many elements the tables of a module may have. The
	// table of a large Go program has about 10,000.
	maxElements = 1 << 20
	// maxLocals is how many locals the functions of a module may have together.
	// A large Go program has about 20,000.
	maxLocals  = 1 << 20
	headerSize = 8
)

// emptyLoop is "loop end": it does nothing but be a place to stop.
var emptyLoop = []byte{0x03, 0x40, 0x0b}

var errNotWasm = errors.New("it is not a WebAssembly module")

// harden returns the changed module. Whatever else is wrong with it is left to
// the engine.
func harden(module []byte) ([]byte, error) {
	if len(module) < headerSize || string(module[:4]) != "\x00asm" {
		return nil, errNotWasm
	}
	if string(module[4:headerSize]) == "\x0d\x00\x01\x00" {
		return nil, errors.New("it is a component, and a frontend is a core module (WASI preview1)")
	}
	out := append(make([]byte, 0, len(module)+len(module)/16), module[:headerSize]...)
	for rest := module[headerSize:]; len(rest) > 0; {
		id := rest[0]
		content, after, err := cut(rest[1:])
		if err != nil {
			return nil, err
		}
		rest = after
		switch id {
		case customID:
			continue
		case tableID:
			content, err = boundTables(content)
		case codeID:
			content, err = stoppable(content)
		default:
			if !consistent(id, content) {
				err = errNotWasm
			}
		}
		if err != nil {
			return nil, err
		}
		out = append(out, id)
		out = appendSized(out, content)
	}
	return out, nil
}

// cut takes a length and so many bytes from b.
func cut(b []byte) (content, rest []byte, err error) {
	size, b, err := number(b)
	if err != nil || size > uint64(len(b)) {
		return nil, nil, errNotWasm
	}
	return b[:size], b[size:], nil
}

// number takes a number from b.
func number(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errNotWasm
	}
	return n, b[size:], nil
}

func appendSized(out, content []byte) []byte {
	return append(binary.AppendUvarint(out, uint64(len(content))), content...)
}

// stoppable puts a loop at the beginning of each function of a code section.
func stoppable(b []byte) ([]byte, error) {
	count, b, err := number(b)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(b)+len(b)/16)
	out = binary.AppendUvarint(out, count)
	all := uint64(0)
	for range count {
		var body []byte
		if body, b, err = cut(b); err != nil {
			return nil, err
		}
		code, locals, err := afterLocals(body)
		if err != nil {
			return nil, err
		}
		if all += locals; all > maxLocals {
			return nil, fmt.Errorf("its functions have more than %d locals", maxLocals)
		}
		out = binary.AppendUvarint(out, uint64(len(body)+len(emptyLoop)))
		out = append(out, body[:len(body)-len(code)]...)
		out = append(out, emptyLoop...)
		out = append(out, code...)
	}
	if len(b) > 0 {
		return nil, errNotWasm
	}
	return out, nil
}

// afterLocals returns the code of a function body, which follows its locals,
// and how many these are.
func afterLocals(body []byte) (code []byte, locals uint64, err error) {
	b := &bytecode{rest: body}
	for range b.number() {
		locals += b.number()
		if b.valueType(); b.bad {
			return nil, 0, errNotWasm
		}
	}
	if b.bad {
		return nil, 0, errNotWasm
	}
	return b.rest, locals, nil
}

// boundTables gives each table of a table section a maximum.
func boundTables(b []byte) ([]byte, error) {
	count, b, err := number(b)
	if err != nil || count > maxElements {
		return nil, errNotWasm
	}
	out := binary.AppendUvarint(nil, count)
	total := uint64(0)
	for range count {
		if len(b) < 3 || b[1] > 1 {
			return nil, errNotWasm
		}
		kind, hasMax := b[0], b[1] == 1
		var size, limit uint64
		if size, b, err = number(b[2:]); err != nil {
			return nil, err
		}
		limit = size
		if hasMax {
			if limit, b, err = number(b); err != nil {
				return nil, err
			}
		}
		if size > maxElements || limit > maxElements || total+limit > maxElements {
			return nil, fmt.Errorf("its tables have more than %d elements", maxElements)
		}
		total += max(size, limit)
		out = append(out, kind, 1)
		out = binary.AppendUvarint(out, size)
		out = binary.AppendUvarint(out, limit)
	}
	if len(b) > 0 {
		return nil, errNotWasm
	}
	return out, nil
}
