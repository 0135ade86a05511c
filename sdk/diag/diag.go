// SPDX-License-Identifier: Apache-2.0

// Package diag works with diagnostics: findings about a user's source, as
// data. A diagnostic is never an error value; errors are for our side.
//
// Frontends link this package, so it uses no fmt and no reflection.
package diag

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Error returns a diagnostic of severity error.
func Error(r *diagv1.Range, code, message string) *diagv1.Diagnostic {
	return &diagv1.Diagnostic{Severity: diagv1.Severity_SEVERITY_ERROR, Range: r, Code: code, Message: message}
}

// Warning returns a diagnostic of severity warning.
func Warning(r *diagv1.Range, code, message string) *diagv1.Diagnostic {
	return &diagv1.Diagnostic{Severity: diagv1.Severity_SEVERITY_WARNING, Range: r, Code: code, Message: message}
}

// Reaches reports whether any diagnostic is at least as severe as s.
func Reaches(ds []*diagv1.Diagnostic, s diagv1.Severity) bool {
	return slices.ContainsFunc(ds, func(d *diagv1.Diagnostic) bool {
		return d.GetSeverity() != 0 && d.GetSeverity() <= s
	})
}

// HasErrors reports whether a build must stop.
func HasErrors(ds []*diagv1.Diagnostic) bool {
	return Reaches(ds, diagv1.Severity_SEVERITY_ERROR)
}

// Sort orders diagnostics by file, place, severity and code. It is stable.
func Sort(ds []*diagv1.Diagnostic) {
	slices.SortStableFunc(ds, func(a, b *diagv1.Diagnostic) int {
		ra, rb := a.GetRange(), b.GetRange()
		return cmp.Or(
			cmp.Compare(ra.GetFile(), rb.GetFile()),
			cmp.Compare(ra.GetLine(), rb.GetLine()),
			cmp.Compare(ra.GetColumn(), rb.GetColumn()),
			cmp.Compare(a.GetSeverity(), b.GetSeverity()),
			cmp.Compare(a.GetCode(), b.GetCode()),
		)
	})
}

// SeverityName returns "error", "warning" or "info".
func SeverityName(s diagv1.Severity) string {
	switch s {
	case diagv1.Severity_SEVERITY_ERROR:
		return "error"
	case diagv1.Severity_SEVERITY_WARNING:
		return "warning"
	case diagv1.Severity_SEVERITY_INFO:
		return "info"
	}
	return "severity-" + strconv.Itoa(int(s))
}

// ParseSeverity is the inverse of SeverityName. ok is false for other names.
func ParseSeverity(name string) (s diagv1.Severity, ok bool) {
	for s := diagv1.Severity_SEVERITY_ERROR; s <= diagv1.Severity_SEVERITY_INFO; s++ {
		if SeverityName(s) == name {
			return s, true
		}
	}
	return 0, false
}

// Line returns a diagnostic as one line for goldens and logs:
// "Dockerfile:2:1-2:5 error unknown-instruction message".
func Line(file string, d *diagv1.Diagnostic) string {
	var b strings.Builder
	b.WriteString(file)
	if r := d.GetRange(); r.GetLine() != 0 {
		b.WriteByte(':')
		b.WriteString(Span(r))
	}
	for _, s := range []string{SeverityName(d.GetSeverity()), d.GetCode(), d.GetMessage()} {
		b.WriteByte(' ')
		b.WriteString(s)
	}
	return b.String()
}

// Span returns a range as "line:column-line:column", columns in bytes.
func Span(r *diagv1.Range) string {
	return position(r.GetLine(), r.GetColumn()) + "-" + position(r.GetEndLine(), r.GetEndColumn())
}

// position returns "line:column".
func position(line, column uint32) string {
	return strconv.Itoa(int(line)) + ":" + strconv.Itoa(int(column))
}
