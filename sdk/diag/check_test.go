// SPDX-License-Identifier: Apache-2.0

package diag

import (
	"fmt"
	"testing"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

func TestCheckNamesRuleAndNode(t *testing.T) {
	files := []*Mapper{NewMapper([]byte("é x\nend\n")), nil}
	at := func(line, column, column16, endColumn, endColumn16 uint32) *diagv1.Range {
		return &diagv1.Range{Line: line, Column: column, ColumnUtf16: column16, EndLine: line, EndColumn: endColumn, EndColumnUtf16: endColumn16}
	}
	good := func() *diagv1.Diagnostic { return Error(at(1, 4, 3, 5, 4), "a-code", "wrong") }
	with := func(change func(*diagv1.Diagnostic)) *diagv1.Diagnostic {
		d := good()
		change(d)
		return d
	}
	for _, tt := range []struct {
		list []*diagv1.Diagnostic
		want string
	}{
		{[]*diagv1.Diagnostic{good(), Error(nil, "x2", "nowhere"), good()}, "[]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Severity = 0 })}, "[[D1] [0].severity is not set]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Code = "a--b" })}, `[[D1] [0].code "a--b" is not kebab-case]`},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Range.EndColumn = 9 })}, "[[D2] [0].range 1:4-1:9 is not in the text, where the nearest is 1:4-1:5]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Range.File = 2 })}, "[[D2] [0].range is in file 2, which is not there]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Range.File = 1; d.Range.EndLine = 9 })}, "[]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Range.ColumnUtf16 = 4 })}, "[[D3] [0].range has UTF-16 column 4 for column 4, which is 3]"},
		{[]*diagv1.Diagnostic{Error(at(2, 1, 1, 4, 4), "a", "a"), Error(nil, "b", "b"), good()}, "[[D4] [2] stands before the one before it]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) {
			d.Fixes = []*diagv1.Fix{{Edits: []*diagv1.Edit{{Range: at(2, 1, 1, 3, 3)}, {Range: at(2, 2, 2, 4, 4)}}}}
		})}, "[[D5] [0].fixes[0].edits[1] overlaps the edit before it]"},
		{[]*diagv1.Diagnostic{with(func(d *diagv1.Diagnostic) { d.Related = []*diagv1.Related{{Range: at(2, 3, 3, 2, 2)}} })},
			"[[D2] [0].related[0].range ends before it starts]"},
	} {
		if got := fmt.Sprint(Check(files, tt.list)); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
