// SPDX-License-Identifier: Apache-2.0

package plugintest

import (
	"fmt"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// ranges checks ranges against the files they point into.
type ranges struct {
	// files are the texts, by the index that ranges use. Nil for a file whose
	// text is not known here.
	files []*diag.Mapper
}

func newRanges(r *frontendv1.ParseRequest, res *frontendv1.ParseResponse) *ranges {
	at := &ranges{files: []*diag.Mapper{diag.NewMapper(r.GetContent())}}
	names := res.GetBuild().GetFiles()
	for _, name := range names[min(1, len(names)):] {
		at.files = append(at.files, answered(r, name))
	}
	return at
}

// answered returns the text of a file that the host has read for a need.
func answered(r *frontendv1.ParseRequest, name string) *diag.Mapper {
	for _, f := range r.GetFiles() {
		if f.GetPath() == name {
			return diag.NewMapper(f.GetContent())
		}
	}
	return nil
}

// check looks whether a range lies in its file, and whether its columns agree
// (SPEC D2, D3). An absent range is nowhere.
func (at *ranges) check(p *problems, r *diagv1.Range, format string, args ...any) {
	if r.GetLine() == 0 {
		return
	}
	what := fmt.Sprintf(format, args...)
	if int(r.GetFile()) >= len(at.files) {
		p.addf("[D2] the range of %s is in file %d, and there are %d", what, r.GetFile(), len(at.files))
		return
	}
	m := at.files[r.GetFile()]
	if m == nil {
		return
	}
	first, last := m.Offset(int(r.GetLine()), int(r.GetColumn())), m.Offset(int(r.GetEndLine()), int(r.GetEndColumn()))
	if last < first {
		p.addf("[D2] the range %s of %s ends before it starts", diag.Span(r), what)
		return
	}
	want := m.Range(first, last)
	want.File = r.GetFile()
	if !want.EqualVT(r) {
		p.addf("[D2] [D3] the range of %s is %v, and the text there has %v", what, r, want)
	}
}

// position is a place in a file.
type position struct{ line, column uint32 }

func start(r *diagv1.Range) position { return position{r.GetLine(), r.GetColumn()} }
func end(r *diagv1.Range) position   { return position{r.GetEndLine(), r.GetEndColumn()} }

// before says whether a range starts before a position. An absent range never
// does.
func before(r *diagv1.Range, p position) bool {
	s := start(r)
	return s.line != 0 && (s.line < p.line || s.line == p.line && s.column < p.column)
}

// nodeRanges returns the ranges of a node of the IR.
func nodeRanges(node any) []*diagv1.Range {
	if h, ok := node.(*irv1.Heredoc); ok {
		return []*diagv1.Range{h.GetRange(), h.GetBody()}
	}
	if n, ok := node.(interface{ GetRange() *diagv1.Range }); ok {
		return []*diagv1.Range{n.GetRange()}
	}
	return nil
}
