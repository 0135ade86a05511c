// SPDX-License-Identifier: Apache-2.0

package module

import (
	"encoding/binary"
	"errors"
)

// errDamaged says that a section does not hold what it should.
var errDamaged = errors.New("damaged")

// decoder reads the body of a section (WebAssembly core specification, "Binary
// Format"). After an error it reads zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail() {
	d.rest, d.err = nil, errDamaged
}

func (d *decoder) number() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) name() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

// importEntry reads an import and returns the module it is from.
func (d *decoder) importEntry() string {
	from := d.name()
	d.name()
	switch d.byte() {
	case 0: // function: type index
		d.number()
	case 1: // table: element type, limits
		d.byte()
		d.limits()
	case 2: // memory: limits
		d.limits()
	case 3: // global: type, mutability
		d.byte()
		d.byte()
	case 4: // tag: attribute, type index
		d.byte()
		d.number()
	default:
		d.fail()
	}
	return from
}

// limits reads the limits of a table or memory: a flag, the least and, where
// the lowest bit of the flag says so, the most.
func (d *decoder) limits() {
	flags := d.number()
	d.number()
	if flags&1 != 0 {
		d.number()
	}
}

// exportEntry reads an export and returns its name.
func (d *decoder) exportEntry() string {
	name := d.name()
	d.byte()
	d.number()
	return name
}
