// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// File is a source file to quote from.
type File struct {
	// Name is shown before the line number.
	Name string
	// Content is quoted. It may be nil: then nothing is.
	Content []byte
}

// Print writes diagnostics for people: place, severity, message and code, the
// source line with the range underlined, related places and what to do.
// Ranges index files. Control characters of the source are shown as "?".
func Print(w io.Writer, files []File, ds []*diagv1.Diagnostic) error {
	p := printer{files: files, mappers: make([]*Mapper, len(files))}
	for _, d := range ds {
		p.diagnostic(d)
	}
	_, err := io.WriteString(w, p.out.String())
	return err
}

type printer struct {
	out     strings.Builder
	files   []File
	mappers []*Mapper
}

func (p *printer) write(parts ...string) {
	for _, s := range parts {
		p.out.WriteString(s)
	}
}

func (p *printer) diagnostic(d *diagv1.Diagnostic) {
	p.write(p.place(d.GetRange()), SeverityName(d.GetSeverity()), ": ", d.GetMessage())
	if d.GetCode() != "" {
		p.write(" [", d.GetCode(), "]")
	}
	p.write("\n")
	p.quote(d.GetRange())
	for _, r := range d.GetRelated() {
		p.write("  ", p.place(r.GetRange()), r.GetMessage(), "\n")
	}
	if h := help(d); h != "" {
		p.write("  help: ", h, "\n")
	}
}

// help returns what to do: the help text, else the best fix.
func help(d *diagv1.Diagnostic) string {
	if d.GetHelp() == "" && len(d.GetFixes()) > 0 {
		return d.GetFixes()[0].GetTitle()
	}
	return d.GetHelp()
}

// place returns "file:line:column: ", with what is known of it.
func (p *printer) place(r *diagv1.Range) string {
	i := int(r.GetFile())
	if i >= len(p.files) {
		return ""
	}
	if r.GetLine() == 0 {
		return p.files[i].Name + ": "
	}
	return p.files[i].Name + ":" + position(r.GetLine(), r.GetColumn()) + ": "
}

// maxQuoted is the longest source line, in runes, that is quoted whole.
const maxQuoted = 160

// quote writes the first line of the range with the range underlined.
func (p *printer) quote(r *diagv1.Range) {
	m := p.mapper(int(r.GetFile()))
	if m == nil || r.GetLine() == 0 || int(r.GetLine()) > m.Lines() {
		return
	}
	line := m.Line(int(r.GetLine()))
	from := min(int(r.GetColumn())-1, len(line))
	to := len(line)
	if r.GetEndLine() == r.GetLine() {
		to = min(max(int(r.GetEndColumn())-1, from), len(line))
	}
	before, marked, after := string(line[:from]), string(line[from:to]), string(line[to:])
	before, marked, after = crop(before, marked, after)
	n := strconv.Itoa(int(r.GetLine()))
	margin := strings.Repeat(" ", len(n))
	p.write("  ", n, " | ", clean(before), clean(marked), clean(after), "\n")
	p.write("  ", margin, " | ", blank(before), "^", strings.Repeat("~", max(utf8.RuneCountInString(marked)-1, 0)), "\n")
}

// mapper returns the Mapper of a file, or nil when it has no content.
func (p *printer) mapper(i int) *Mapper {
	if i >= len(p.files) || p.files[i].Content == nil {
		return nil
	}
	if p.mappers[i] == nil {
		p.mappers[i] = NewMapper(p.files[i].Content)
	}
	return p.mappers[i]
}

// crop shortens the parts of a very long line, keeping what is marked.
func crop(before, marked, after string) (string, string, string) {
	const side = maxQuoted / 4
	if utf8.RuneCountInString(before)+utf8.RuneCountInString(marked)+utf8.RuneCountInString(after) <= maxQuoted {
		return before, marked, after
	}
	if r := []rune(before); len(r) > side {
		before = "…" + string(r[len(r)-side:])
	}
	if r := []rune(marked); len(r) > 2*side {
		marked = string(r[:2*side]) + "…"
	}
	if r := []rune(after); len(r) > side {
		after = string(r[:side]) + "…"
	}
	return before, marked, after
}

// clean makes source text safe to show on a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (r < ' ' || r == 0x7f || r == utf8.RuneError) {
			return '?'
		}
		return r
	}, s)
}

// blank returns white space as wide as s, tabs kept.
func blank(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}
