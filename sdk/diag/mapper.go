// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"bytes"
	"slices"
	"sort"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Mapper translates byte offsets of one source text into lines and columns.
// Lines end in "\n"; a "\r" before it belongs to the line. A byte order mark
// at the start has no width, as in editors. Invalid UTF-8 counts one UTF-16
// unit a byte.
//
// Every lookup is cheap whatever the length of the line, so a 10 MB line costs
// what its tokens cost.
type Mapper struct {
	src   []byte
	lines []int // offset of the first byte of each line
	// units[i] is the checkpoint at, or just after, byte i*stride. Nil when the
	// text is ASCII: then units and bytes are the same.
	units []checkpoint
}

// checkpoint says how many UTF-16 units stand before a byte offset.
type checkpoint struct{ offset, units int }

// stride is the number of bytes between two checkpoints of Mapper.units.
const stride = 256

var bom = []byte("\xef\xbb\xbf")

// NewMapper returns a Mapper of src, which it keeps and does not change.
func NewMapper(src []byte) *Mapper {
	first := 0
	if bytes.HasPrefix(src, bom) {
		first = len(bom)
	}
	m := &Mapper{src: src, lines: make([]int, 1, 1+bytes.Count(src, []byte("\n")))}
	m.lines[0] = first
	for i := first; ; {
		n := bytes.IndexByte(src[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		m.lines = append(m.lines, i)
	}
	if slices.ContainsFunc(src[first:], func(c byte) bool { return c >= utf8.RuneSelf }) {
		m.mark()
	}
	return m
}

// mark fills units. A mark is taken at the first rune start at or after its
// multiple of stride.
func (m *Mapper) mark() {
	m.units = make([]checkpoint, 0, len(m.src)/stride+1)
	for i, n := 0, 0; i < len(m.src); {
		if i >= len(m.units)*stride {
			m.units = append(m.units, checkpoint{i, n})
		}
		r, size := utf8.DecodeRune(m.src[i:])
		n += width(r)
		i += size
	}
}

// width is the number of UTF-16 units of r.
func width(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// unitsAt returns the number of UTF-16 units before offset; those of the rune
// start when offset is inside a rune.
func (m *Mapper) unitsAt(offset int) int {
	if m.units == nil {
		return offset
	}
	k := min(offset/stride, len(m.units)-1)
	if m.units[k].offset > offset {
		k--
	}
	i, n := m.units[k].offset, m.units[k].units
	for i < offset {
		r, size := utf8.DecodeRune(m.src[i:])
		if i+size > offset {
			break
		}
		n += width(r)
		i += size
	}
	return n
}

// Lines returns the number of lines; an empty text has one.
func (m *Mapper) Lines() int { return len(m.lines) }

// Line returns the text of a line, counted from 1, without its line end. It is
// empty for a line that does not exist.
func (m *Mapper) Line(line int) []byte {
	if line < 1 || line > len(m.lines) {
		return nil
	}
	text := m.src[m.lines[line-1]:]
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		text = text[:n]
	}
	return bytes.TrimSuffix(text, []byte("\r"))
}

// Position returns line, column in bytes and column in UTF-16 units of a byte
// offset, all from 1. Offsets outside the text are moved to its nearest end.
func (m *Mapper) Position(offset int) (line, column, column16 int) {
	offset = min(max(offset, m.lines[0]), len(m.src))
	line = sort.Search(len(m.lines), func(i int) bool { return m.lines[i] > offset })
	start := m.lines[line-1]
	return line, offset - start + 1, m.unitsAt(offset) - m.unitsAt(start) + 1
}

// Range returns the half-open range between two byte offsets, in file 0.
func (m *Mapper) Range(start, end int) *diagv1.Range {
	line, column, column16 := m.Position(start)
	endLine, endColumn, endColumn16 := m.Position(max(start, end))
	return &diagv1.Range{
		Line: uint32(line), Column: uint32(column), ColumnUtf16: uint32(column16),
		EndLine: uint32(endLine), EndColumn: uint32(endColumn), EndColumnUtf16: uint32(endColumn16),
	}
}

// Offset returns the byte offset of a line and a column in bytes, both from 1.
// A column past the end of its line is moved to that end.
func (m *Mapper) Offset(line, column int) int {
	line = min(max(line, 1), len(m.lines))
	start, end := m.lines[line-1], len(m.src)
	if line < len(m.lines) {
		end = m.lines[line] - 1
	}
	return min(start+max(column, 1)-1, end)
}
