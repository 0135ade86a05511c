// SPDX-License-Identifier: Apache-2.0

package wasmrun

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tables live in the host's memory and not in the module's, and a table
// without a maximum may grow to a gigabyte. So each gets a maximum before the
// engine sees the module: its own size (WebAssembly core specification, binary
// format, "Table Section").

const (
	// maxElements is how many elements the tables of a module may have. The
	// table of a large Go program has about 10,000.
	maxElements = 1 << 20
	headerSize  = 8
	tableID     = 4
)

var errNotWasm = errors.New("it is not a WebAssembly module")

// boundTables returns the module with a maximum for each table. Anything else
// that is wrong with it is left to the engine.
func boundTables(module []byte) ([]byte, error) {
	if len(module) < headerSize || string(module[:4]) != "\x00asm" {
		return nil, errNotWasm
	}
	if string(module[4:headerSize]) == "\x0d\x00\x01\x00" {
		return nil, errors.New("it is a component, and a frontend is a core module (WASI preview1)")
	}
	for at := headerSize; at < len(module); {
		id := module[at]
		size, n := binary.Uvarint(module[at+1:])
		start := at + 1 + n
		if n <= 0 || size > uint64(len(module)-start) {
			return nil, errNotWasm
		}
		end := start + int(size)
		if id == tableID {
			section, err := boundSection(module[start:end])
			if err != nil {
				return nil, err
			}
			bounded := make([]byte, 0, len(module)+len(section)+binary.MaxVarintLen64-int(size))
			bounded = append(bounded, module[:at+1]...)
			bounded = binary.AppendUvarint(bounded, uint64(len(section)))
			bounded = append(bounded, section...)
			return append(bounded, module[end:]...), nil
		}
		at = end
	}
	return module, nil
}

// boundSection rewrites the content of a table section.
func boundSection(b []byte) ([]byte, error) {
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, errNotWasm
	}
	out := binary.AppendUvarint(nil, count)
	b = b[n:]
	total := uint64(0)
	for range count {
		if len(b) < 3 || b[1] > 1 {
			return nil, errNotWasm
		}
		kind, hasMax := b[0], b[1] == 1
		b = b[2:]
		size, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, errNotWasm
		}
		b = b[n:]
		limit := size
		if hasMax {
			if limit, n = binary.Uvarint(b); n <= 0 {
				return nil, errNotWasm
			}
			b = b[n:]
		}
		if total += max(size, limit); total > maxElements || size > maxElements || limit > maxElements {
			return nil, fmt.Errorf("its tables have more than %d elements", maxElements)
		}
		out = append(out, kind, 1)
		out = binary.AppendUvarint(out, size)
		out = binary.AppendUvarint(out, limit)
	}
	if len(b) > 0 {
		return nil, errNotWasm
	}
	return out, nil
}
