// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
)

// diagnosticFaults break diagnostics.
func diagnosticFaults() map[string]fault {
	return map[string]fault{
		"no-severity":      each(func(d *diagv1.Diagnostic) { d.Severity = 0 }),
		"no-code":          each(func(d *diagv1.Diagnostic) { d.Code = "" }),
		"snake-code":       each(func(d *diagv1.Diagnostic) { d.Code = strings.ReplaceAll(d.Code, "-", "_") }),
		"no-message":       each(func(d *diagv1.Diagnostic) { d.Message = "" }),
		"range-past-line":  ranged(func(r *diagv1.Range) { r.EndColumn, r.EndColumnUtf16 = r.EndColumn+1000, r.EndColumnUtf16+1000 }),
		"range-past-end":   ranged(func(r *diagv1.Range) { r.EndLine += 1000 }),
		"range-backwards":  ranged(func(r *diagv1.Range) { r.EndLine, r.EndColumn, r.EndColumnUtf16 = r.Line, 1, 1 }),
		"range-from-zero":  ranged(func(r *diagv1.Range) { r.Column, r.ColumnUtf16 = r.Column-1, r.ColumnUtf16-1 }),
		"range-of-no-file": ranged(func(r *diagv1.Range) { r.File = 9 }),
		"utf16-is-bytes":   ranged(func(r *diagv1.Range) { r.ColumnUtf16, r.EndColumnUtf16 = r.Column, r.EndColumn }),
		"no-ranges":        each(func(d *diagv1.Diagnostic) { d.Range = nil }),
		"unsorted": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			slices.Reverse(r.Diagnostics)
		}},
		"edits-overlap": each(func(d *diagv1.Diagnostic) {
			for _, f := range d.GetFixes() {
				f.Edits = append(f.Edits, f.Edits...)
			}
		}),
		"no-fixes": each(func(d *diagv1.Diagnostic) { d.Fixes = nil }),
		"no-recovery": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			i := slices.IndexFunc(r.Diagnostics, isError)
			if i >= 0 {
				r.Diagnostics = r.Diagnostics[:i+1]
			}
		}},
		"no-warnings": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			r.Diagnostics = slices.DeleteFunc(r.Diagnostics, func(d *diagv1.Diagnostic) bool { return !isError(d) })
		}},
		"warnings-are-errors": each(func(d *diagv1.Diagnostic) { d.Severity = diagv1.Severity_SEVERITY_ERROR }),
		"errors-are-warnings": {parsed: func(_ *proxy, _ *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			for _, d := range r.Diagnostics {
				d.Severity = diagv1.Severity_SEVERITY_WARNING
			}
		}},
		"other-codes": each(func(d *diagv1.Diagnostic) { d.Code += "-x" }),
		"wide-ranges": {parsed: func(_ *proxy, q *frontendv1.ParseRequest, r *frontendv1.ParseResponse) {
			m := diag.NewMapper(q.GetContent())
			for _, d := range r.Diagnostics {
				if at := d.GetRange(); at.GetLine() != 0 {
					d.Range = m.Range(m.Offset(int(at.Line), 1), m.Offset(int(at.EndLine), int(at.EndColumn)))
				}
			}
		}},
	}
}

func isError(d *diagv1.Diagnostic) bool { return d.GetSeverity() == diagv1.Severity_SEVERITY_ERROR }
