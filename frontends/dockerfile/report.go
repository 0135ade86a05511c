// SPDX-License-Identifier: Apache-2.0

package dockerfile

import (
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// report adds a finding about a stretch of the source and returns it, so that
// the caller can add help and fixes. One that is not wanted goes nowhere.
func (p *parser) report(r rule, at span, message string) *diagv1.Diagnostic {
	if p.skipHere.skips(r) {
		return &diagv1.Diagnostic{}
	}
	d := &diagv1.Diagnostic{Severity: rules[r].Severity, Code: rules[r].Code, Message: message, Range: p.rangeOf(at)}
	if p.check.asError && d.Severity == warningLevel {
		d.Severity = errorLevel
	}
	p.found = append(p.found, d)
	return d
}

// fault is report for a stretch of the text of the current line.
func (p *parser) fault(r rule, at span, message string) *diagv1.Diagnostic {
	return p.report(r, p.line.source(at.start, at.end), message)
}

// replace returns a fix that puts text in the place of a stretch of the source.
func (p *parser) replace(title string, at span, text string) *diagv1.Fix {
	return &diagv1.Fix{Title: title, Edits: []*diagv1.Edit{{Range: p.rangeOf(at), NewText: text}}}
}

// meant adds to d the one of names that was probably meant by w: as help, and
// as the fix that writes it, prefix included.
func (p *parser) meant(d *diagv1.Diagnostic, w word, names []string, prefix string) bool {
	name, ok := suggest(w.text, names)
	if !ok {
		return false
	}
	d.Help = "did you mean " + prefix + name + "?"
	at := p.line.source(w.start, w.end)
	if len(d.Fixes) == 0 && w.offsets == nil {
		d.Fixes = append(d.Fixes, p.replace("change "+prefix+w.text+" to "+prefix+name, at, name))
	}
	return true
}

// suggest returns the name that was probably meant; the case of s is kept.
func suggest(s string, names []string) (string, bool) {
	best := diag.Suggest(s, names)
	if best == "" || lower(best) == lower(s) {
		return "", false
	}
	if s == lower(s) {
		best = lower(best)
	}
	return best, true
}
