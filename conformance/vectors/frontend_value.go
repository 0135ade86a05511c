// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// valueReader reads protobuf messages as scripts write them: a field's number
// and its value, again and again. The value is a number, text, or fields in
// braces.
type valueReader struct {
	rest string // what is left of the line
	file string // what $FILE stands for
}

// maxDepth bounds braces in braces.
const maxDepth = 100

// fields reads fields up to a closing brace or the end of the line.
func (v *valueReader) fields(depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("more than %d braces in braces", maxDepth)
	}
	var b []byte
	for v.blank(); v.rest != "" && v.rest[0] != '}'; v.blank() {
		field, err := v.number()
		if err != nil {
			return nil, err
		}
		if b, err = v.field(b, field, depth); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// field appends one field with the value that follows.
func (v *valueReader) field(b []byte, field uint64, depth int) ([]byte, error) {
	v.blank()
	var value []byte
	var err error
	switch {
	case v.rest != "" && '0' <= v.rest[0] && v.rest[0] <= '9':
		n, err := v.number()
		return slices.Concat(b, varint(field<<3), varint(n)), err
	case v.take("{"):
		if value, err = v.fields(depth + 1); err == nil && !v.take("}") {
			err = fmt.Errorf("a brace is not closed")
		}
	default:
		value, err = v.text()
	}
	return slices.Concat(b, varint(field<<3|2), varint(uint64(len(value))), value), err
}

// text reads text: quoted strings and $FILE, each with *N for N times, that
// follow each other.
func (v *valueReader) text() ([]byte, error) {
	var b []byte
	for n := 0; ; n++ {
		v.blank()
		part, ok, err := v.part()
		if err != nil {
			return nil, err
		}
		if !ok && n == 0 {
			return nil, fmt.Errorf("a value is missing at %q", v.rest)
		}
		if !ok {
			return b, nil
		}
		times := uint64(1)
		if v.take("*") {
			if times, err = v.number(); err != nil {
				return nil, err
			}
		}
		b = append(b, strings.Repeat(part, int(times))...)
	}
}

// part reads a quoted string or $FILE.
func (v *valueReader) part() (text string, ok bool, err error) {
	if v.take("$FILE") {
		return v.file, true, nil
	}
	if !strings.HasPrefix(v.rest, `"`) {
		return "", false, nil
	}
	quoted, err := strconv.QuotedPrefix(v.rest)
	if err != nil {
		return "", false, fmt.Errorf("a quote is not closed")
	}
	v.rest = v.rest[len(quoted):]
	text, err = strconv.Unquote(quoted)
	return text, true, err
}

// number reads a decimal number.
func (v *valueReader) number() (uint64, error) {
	n := 0
	for n < len(v.rest) && '0' <= v.rest[n] && v.rest[n] <= '9' {
		n++
	}
	text := v.rest[:n]
	v.rest = v.rest[n:]
	return strconv.ParseUint(text, 10, 64)
}

// take moves over a text, if it is there.
func (v *valueReader) take(text string) bool {
	rest, ok := strings.CutPrefix(v.rest, text)
	v.rest = rest
	return ok
}

func (v *valueReader) blank() { v.rest = strings.TrimLeft(v.rest, " ") }

func varint(n uint64) []byte { return binary.AppendUvarint(nil, n) }
