// SPDX-License-Identifier: Apache-2.0

package frontend

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// buildText writes a build, without ranges and with them.
func buildText(b *irv1.Build) (plain, ranges string) {
	features := strings.Join(slices.Concat([]string{"features"}, b.GetFeatures()), " ") + "\n"
	return features + ir.Text(b), features + ir.TextWithRanges(b)
}

// diagText writes diagnostics without what is free: a line each, sorted by
// place and code.
func diagText(ds []*diagv1.Diagnostic) string {
	ds = slices.Clone(ds)
	diag.Sort(ds)
	var b strings.Builder
	for _, d := range ds {
		if r := d.GetRange(); r.GetLine() == 0 {
			b.WriteString("-")
		} else {
			b.WriteString(diag.Span(r))
		}
		b.WriteString(" " + diag.SeverityName(d.GetSeverity()) + " " + d.GetCode() + "\n")
	}
	return b.String()
}

// messages writes diagnostics for people.
func messages(file string, ds []*diagv1.Diagnostic) string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(diag.Line(file, d) + "\n")
	}
	return b.String()
}

// symbolText writes symbols: kind, name, definition, references.
func symbolText(symbols []*frontendv1.Symbol) string {
	var list []string
	for _, s := range symbols {
		line := kindName(s.GetKind().String(), "SYMBOL_KIND_") + " " + s.GetName()
		if s.GetDefinition() != nil {
			line += " defined " + diag.Span(s.GetDefinition())
		}
		for _, r := range s.GetReferences() {
			line += " " + diag.Span(r)
		}
		list = append(list, line+"\n")
	}
	slices.Sort(list)
	return strings.Join(list, "")
}

// tokenText writes tokens: place, kind, text.
func tokenText(content []byte, tokens []*frontendv1.Token) string {
	m := diag.NewMapper(content)
	var b strings.Builder
	for _, t := range tokens {
		start, end := offsets(m, t.GetRange())
		kind := kindName(t.GetKind().String(), "TOKEN_KIND_")
		b.WriteString(diag.Span(t.GetRange()) + " " + kind + " " + strconv.Quote(string(content[start:end])) + "\n")
	}
	return b.String()
}

// kindName is the name of an enum's value without the prefix, as vectors have
// it.
func kindName(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", "-")
}

// offsets returns a range in bytes of the text.
func offsets(m *diag.Mapper, r *diagv1.Range) (start, end int) {
	start = m.Offset(int(r.GetLine()), int(r.GetColumn()))
	return start, max(start, m.Offset(int(r.GetEndLine()), int(r.GetEndColumn())))
}

// edit is an edit of a fix in bytes of the text.
type edit struct {
	start, end int
	text       string
}

// fixed is the text after the first fix of each diagnostic. A fix that overlaps
// one before it is left out.
func fixed(content []byte, ds []*diagv1.Diagnostic) string {
	m := diag.NewMapper(content)
	var edits []edit
	for _, d := range ds {
		if len(d.GetFixes()) == 0 {
			continue
		}
		for _, e := range d.GetFixes()[0].GetEdits() {
			start, end := offsets(m, e.GetRange())
			edits = append(edits, edit{start, end, e.GetNewText()})
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out bytes.Buffer
	done := 0
	for _, e := range edits {
		if e.start >= done {
			out.Write(content[done:e.start])
			out.WriteString(e.text)
			done = e.end
		}
	}
	out.Write(content[done:])
	return out.String()
}
