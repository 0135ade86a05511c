// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// printer writes one node a line, children indented by two spaces. Values that
// are not plain words are quoted as Go quotes them, so that two different
// builds never print the same.
type printer struct {
	strings.Builder
	depth  int
	ranges bool
}

// node starts a line.
func (p *printer) node(name string) {
	for range p.depth {
		p.WriteString("  ")
	}
	p.WriteString(name)
}

// end ends a line, with the node's range where ranges are wanted.
func (p *printer) end(r *diagv1.Range) {
	p.at(r)
	p.WriteByte('\n')
}

// value writes a value after a space.
func (p *printer) value(s string) {
	p.WriteByte(' ')
	p.WriteString(quoted(s))
}

// field writes " name=value".
func (p *printer) field(name, value string) {
	p.WriteByte(' ')
	p.WriteString(name)
	p.WriteByte('=')
	p.WriteString(quoted(value))
}

// fieldIf writes " name=value" unless the value is empty.
func (p *printer) fieldIf(name, value string) {
	if value != "" {
		p.field(name, value)
	}
}

// number writes " name=n" unless n is 0.
func (p *printer) number(name string, n int64) {
	if n != 0 {
		p.field(name, strconv.FormatInt(n, 10))
	}
}

// flag writes " name" when it is on.
func (p *printer) flag(name string, on bool) {
	if on {
		p.WriteByte(' ')
		p.WriteString(name)
	}
}

// child writes a line of its own, one level deeper.
func (p *printer) child(name string, values ...string) {
	p.depth++
	p.node(name)
	for _, v := range values {
		p.value(v)
	}
	p.WriteByte('\n')
	p.depth--
}

// childIf is child unless there are no values.
func (p *printer) childIf(name string, values []string) {
	if len(values) > 0 {
		p.child(name, values...)
	}
}

// at writes a range as "@line:column-line:column" in bytes, and, where they
// differ, the columns in UTF-16 in parentheses.
func (p *printer) at(r *diagv1.Range) {
	if !p.ranges {
		return
	}
	if r == nil || r.Line == 0 {
		p.WriteString(" @-")
		return
	}
	p.WriteString(" @")
	if r.File != 0 {
		p.WriteString("file" + utoa(r.File) + ":")
	}
	p.WriteString(utoa(r.Line) + ":" + utoa(r.Column) + "-" + utoa(r.EndLine) + ":" + utoa(r.EndColumn))
	if r.Column != r.ColumnUtf16 || r.EndColumn != r.EndColumnUtf16 {
		p.WriteString("(" + utoa(r.ColumnUtf16) + "-" + utoa(r.EndColumnUtf16) + ")")
	}
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// quoted returns s as it is when it is a plain word, else in double quotes.
func quoted(s string) string {
	if isPlain(s) {
		return s
	}
	return strconv.Quote(s)
}

// isPlain says whether s needs no quotes: printable ASCII without spaces,
// quotes, backslashes, "=" and without a leading "@".
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' || c == '=' {
			return false
		}
	}
	return s != "" && s[0] != '@' && s != "->"
}
