// SPDX-License-Identifier: Apache-2.0

package zimagefile

import (
	"strconv"

	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// error adds a diagnostic and returns it, so that the caller can add help.
func (p *parser) error(at span, code, message string) *diagv1.Diagnostic {
	d := diag.Error(p.rangeOf(at), code, message)
	p.found = append(p.found, d)
	return d
}

// replace returns a fix that puts text in the place of a stretch.
func (p *parser) replace(title string, at span, text string) *diagv1.Fix {
	return &diagv1.Fix{Title: title, Edits: []*diagv1.Edit{{Range: p.rangeOf(at), NewText: text}}}
}

// maxFindings is how many diagnostics one file gets.
const maxFindings = 200

// findings returns the diagnostics in the order of the file. What an alias
// repeats is said once.
func (p *parser) findings() []*diagv1.Diagnostic {
	type key struct {
		line, column  uint32
		code, message string
	}
	seen := map[key]bool{}
	var out []*diagv1.Diagnostic
	for _, d := range p.found {
		k := key{d.Range.Line, d.Range.Column, d.Code, d.Message}
		if !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	diag.Sort(out)
	if more := len(out) - maxFindings; more > 0 {
		out = out[:maxFindings]
		last := diag.Warning(out[maxFindings-1].Range, "too-many-problems", strconv.Itoa(more)+" more problems are not listed")
		out = append(out, last)
	}
	return out
}
