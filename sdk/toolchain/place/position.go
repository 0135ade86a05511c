// SPDX-License-Identifier: Apache-2.0

package place

import (
	"regexp"
	"strconv"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Position is a place as a compiler names it.
type Position struct {
	// File is the path, absolute or relative to the project.
	File string
	// Line and Column count from 1, columns in bytes. 0 is not known.
	Line, Column int
}

// String returns "file:line:column", as far as it is known.
func (p Position) String() string {
	text := p.File
	for _, n := range []int{p.Line, p.Column} {
		if n == 0 {
			break
		}
		text += ":" + strconv.Itoa(n)
	}
	return text
}

// positioned is a message behind a position, as most compilers write it.
var positioned = regexp.MustCompile(`^((?:[A-Za-z]:[\\/])?[^:\s][^:]*):(\d+)(?::(\d+))?: (.*)$`)

// Parse reads "file:line:column: message"; the column may be missing. ok is
// false for text of another form.
func Parse(text string) (at Position, message string, ok bool) {
	m := positioned.FindStringSubmatch(text)
	if m == nil {
		return Position{}, text, false
	}
	at.File = m[1]
	at.Line, _ = strconv.Atoi(m[2])
	at.Column, _ = strconv.Atoi(m[3])
	return at, m[4], true
}

// Finding puts a diagnostic where a compiler says it is: at the token, or on
// the whole line when there is no column. One whose file is not the project's,
// such as somebody else's library, has no range: its place becomes a part of
// the message.
func (p *Project) Finding(at Position, d *diagv1.Diagnostic) *backendv1.Finding {
	if at.File == "" {
		return &backendv1.Finding{Diagnostic: d}
	}
	file := p.File(at.File)
	switch {
	case file == nil:
		d.Message = at.String() + ": " + d.GetMessage()
		return &backendv1.Finding{Diagnostic: d}
	case at.Column == 0:
		d.Range = file.Line(at.Line)
	default:
		d.Range = file.Token(at.Line, at.Column)
	}
	return &backendv1.Finding{File: file.Name, Diagnostic: d}
}
