// SPDX-License-Identifier: Apache-2.0

package wasmrun

import "math"

// Ids of sections (WebAssembly core specification, binary format, "Modules").
const (
	customID   = 0
	typeID     = 1
	importID   = 2
	functionID = 3
	tableID    = 4
	globalID   = 6
	exportID   = 7
	elementID  = 9
	codeID     = 10
	dataID     = 11
)

// consistent says whether a section has all that it announces. The engine makes
// room for as much as a number says before it looks at what follows: four
// bytes could ask for all memory of the host.
func consistent(id byte, content []byte) bool {
	items := map[byte]func(*bytecode){
		typeID:     (*bytecode).functionType,
		importID:   (*bytecode).imported,
		functionID: (*bytecode).leb,
		globalID:   (*bytecode).global,
		exportID:   (*bytecode).exported,
		elementID:  (*bytecode).element,
		dataID:     (*bytecode).data,
	}
	item, known := items[id]
	if !known {
		return true // no section with items, or one that harden reads itself
	}
	b := &bytecode{rest: content}
	b.vector(item)
	return !b.bad && len(b.rest) == 0
}

// bytecode is read from the front. Once bad, it is empty.
type bytecode struct {
	rest []byte
	bad  bool
}

func (b *bytecode) fail() { b.rest, b.bad = nil, true }

func (b *bytecode) skip(n uint64) {
	if n > uint64(len(b.rest)) {
		b.fail()
		return
	}
	b.rest = b.rest[n:]
}

// next takes a byte; 0 when there is none.
func (b *bytecode) next() byte {
	if len(b.rest) == 0 {
		b.fail()
		return 0
	}
	c := b.rest[0]
	b.rest = b.rest[1:]
	return c
}

// leb skips a number, signed or not.
func (b *bytecode) leb() {
	for b.next() >= 0x80 {
	}
}

// number takes a number of 32 bits without sign.
func (b *bytecode) number() uint64 {
	n, rest, err := number(b.rest)
	if err != nil || n > math.MaxUint32 {
		b.fail()
		return 0
	}
	b.rest = rest
	return n
}

// vector takes a number and so many items, of at least a byte each.
func (b *bytecode) vector(item func(*bytecode)) {
	count := b.number()
	if count > uint64(len(b.rest)) {
		b.fail()
	}
	for i := uint64(0); i < count && !b.bad; i++ {
		item(b)
	}
}

// sized skips a number and so many bytes.
func (b *bytecode) sized() { b.skip(b.number()) }

// valueType skips a type; those of references to types have a number behind.
func (b *bytecode) valueType() {
	if c := b.next(); c == 0x63 || c == 0x64 {
		b.leb()
	}
}

// functionType skips a type of functions; there are no others in WebAssembly 2.
func (b *bytecode) functionType() {
	if b.next() != 0x60 {
		b.fail()
	}
	b.vector((*bytecode).valueType)
	b.vector((*bytecode).valueType)
}

func (b *bytecode) imported() {
	b.sized()
	b.sized()
	switch b.next() {
	case 0: // a function
		b.leb()
	case 1: // a table
		b.valueType()
		b.limits()
	case 2: // a memory
		b.limits()
	case 3: // a global
		b.valueType()
		b.skip(1)
	default:
		b.fail()
	}
}

// limits skips a least size and, as the flag says, a greatest.
func (b *bytecode) limits() {
	flag := b.next()
	if b.leb(); flag&1 != 0 {
		b.leb()
	}
}

func (b *bytecode) global() {
	b.valueType()
	b.skip(1)
	b.expression()
}

func (b *bytecode) exported() {
	b.sized()
	b.skip(1)
	b.leb()
}

// expression skips a constant expression.
func (b *bytecode) expression() {
	for !b.bad {
		switch b.next() {
		case 0x0b: // end
			return
		case 0x23, 0x41, 0x42, 0xd0, 0xd2: // global.get, i32.const, i64.const, ref.null, ref.func
			b.leb()
		case 0x43: // f32.const
			b.skip(4)
		case 0x44: // f64.const
			b.skip(8)
		case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub and mul of integers
		case 0xfd: // v128.const
			b.leb()
			b.skip(16)
		default:
			b.fail()
		}
	}
}

// element skips an element segment; the bits of its number say what it has.
func (b *bytecode) element() {
	kind := b.number()
	passive, explicit, expressions := kind&1 != 0, kind&2 != 0, kind&4 != 0
	if kind > 7 {
		b.fail()
	}
	if !passive {
		if explicit {
			b.leb() // the table
		}
		b.expression()
	}
	switch {
	case kind&3 == 0: // functions, without a word
	case expressions:
		b.valueType()
	default:
		b.skip(1) // the kind
	}
	if expressions {
		b.vector((*bytecode).expression)
		return
	}
	b.vector((*bytecode).leb)
}

// data skips a data segment.
func (b *bytecode) data() {
	kind := b.number()
	if kind > 2 {
		b.fail()
	}
	if kind == 2 {
		b.leb() // the memory
	}
	if kind != 1 {
		b.expression()
	}
	b.sized()
}
