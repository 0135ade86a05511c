// SPDX-License-Identifier: Apache-2.0

package ir

import (
	"errors"
	"slices"
	"strconv"
	"unicode/utf16"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir/expand"
)

// error reports something that cannot be built.
func (r *resolver) error(code string, at *diagv1.Range, message, help string) {
	r.report(diagv1.Severity_SEVERITY_ERROR, code, at, message, help)
}

// warn reports something that is probably not meant.
func (r *resolver) warn(code string, at *diagv1.Range, message, help string) {
	r.report(diagv1.Severity_SEVERITY_WARNING, code, at, message, help)
}

// report adds a finding once: a base stage's mistake is not repeated for every
// trigger or stage that meets it again.
func (r *resolver) report(s diagv1.Severity, code string, at *diagv1.Range, message, help string) {
	d := &diagv1.Diagnostic{Severity: s, Code: code, Message: message, Range: at, Help: help}
	same := func(x *diagv1.Diagnostic) bool { return x.EqualVT(d) }
	if !slices.ContainsFunc(r.out.Diagnostics, same) {
		r.out.Diagnostics = append(r.out.Diagnostics, d)
	}
}

// hasErrors says whether a finding stops the build.
func hasErrors(list []*diagv1.Diagnostic) bool {
	return slices.ContainsFunc(list, func(d *diagv1.Diagnostic) bool {
		return d.Severity == diagv1.Severity_SEVERITY_ERROR
	})
}

// quote quotes a value in a message.
func quote(s string) string { return strconv.Quote(s) }

// expansionError reports why a word cannot be expanded, at the part of it that
// is wrong.
func (r *resolver) expansionError(w *irv1.Word, at *diagv1.Range, err error) {
	var e *expand.Error
	if !errors.As(err, &e) {
		r.error("bad-substitution", at, err.Error(), "")
		return
	}
	r.error("bad-substitution", within(at, w.GetText(), e.Offset), e.Problem, "")
}

// within narrows the range of a word to what follows an offset in its text.
// Where the range is not just the text, because the word goes over several
// lines, it stays as it is.
func within(at *diagv1.Range, text string, offset int) *diagv1.Range {
	if at == nil || at.Line != at.EndLine || at.EndColumn-at.Column != uint32(len(text)) || offset > len(text) {
		return at
	}
	out := at.CloneVT()
	out.Column += uint32(offset)
	out.ColumnUtf16 += uint32(len(utf16.Encode([]rune(text[:offset]))))
	return out
}

// didYouMean is the help for a misspelt name.
func didYouMean(name string, candidates []string) string {
	if s := diag.Suggest(name, candidates); s != "" {
		return "did you mean " + quote(s) + "?"
	}
	return ""
}
