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
	for _, found := range diag.CheckRange(at.files, fmt.Sprintf(format, args...), r) {
		p.addf("%s", found)
	}
}

// overlaps says whether a range starts before the end of the one before it.
func overlaps(before, r *diagv1.Range) bool {
	return r.GetLine() < before.GetEndLine() || r.GetLine() == before.GetEndLine() && r.GetColumn() < before.GetEndColumn()
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
