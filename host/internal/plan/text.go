// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Text explains the plan, a line for the choice and then each backend with
// what it lacks and where that is first needed. The format is for people and
// goldens: it is stable, not a contract.
func (p Plan) Text() string {
	var b strings.Builder
	switch {
	case p.Backend == "":
		b.WriteString("no backend fits\n")
	case p.request.Backend != "":
		fmt.Fprintf(&b, "%s builds this: it was asked for\n", p.Backend)
	default:
		fmt.Fprintf(&b, "%s builds this: it is the first that fits\n", p.Backend)
	}
	for _, v := range p.Verdicts {
		b.WriteString(v.text())
	}
	return b.String()
}

func (v Verdict) text() string {
	var b strings.Builder
	switch n := len(v.Missing); n {
	case 0:
		fmt.Fprintf(&b, "%s fits", v.ID)
	case 1:
		fmt.Fprintf(&b, "%s lacks 1 thing", v.ID)
	default:
		fmt.Fprintf(&b, "%s lacks %d things", v.ID, n)
	}
	if len(v.Emulated) > 0 {
		fmt.Fprintf(&b, "; %s in emulation", strings.Join(v.Emulated, ", "))
	}
	b.WriteByte('\n')
	for _, m := range v.Missing {
		fmt.Fprintf(&b, "  %s (%s)%s\n", m.name(), m.Reason, first(m))
	}
	return b.String()
}

// name is the id of a feature, or "platform os/architecture".
func (m Missing) name() string {
	if m.Platform != "" {
		return "platform " + m.Platform
	}
	return m.Feature
}

// first is the first use: " at 3:1: RUN make".
func first(m Missing) string {
	use, text := m.Uses[0], ""
	if use.Range.GetLine() != 0 {
		text = " at " + position(use.Range)
	}
	if line, _, _ := strings.Cut(use.Text, "\n"); line != "" {
		text += ": " + line
	}
	return text
}

func position(r *diagv1.Range) string { return fmt.Sprintf("%d:%d", r.GetLine(), r.GetColumn()) }
