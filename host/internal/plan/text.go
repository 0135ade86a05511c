// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
)

// Text explains the plan: a line for the choice, then each backend in the order
// of preference, with what it lacks, where that is first needed, and what to
// do. The format is for people and goldens: it is stable, not a contract.
func (p Plan) Text() string {
	var b strings.Builder
	b.WriteString(p.choice() + "\n")
	for _, v := range p.Verdicts {
		b.WriteString(p.textOf(v))
	}
	for _, id := range p.request.Prefer {
		if !slices.ContainsFunc(p.Verdicts, func(v Verdict) bool { return v.ID == id }) {
			fmt.Fprintf(&b, "%s is preferred, but not installed\n", id)
		}
	}
	return b.String()
}

// choice says who builds, and why that one.
func (p Plan) choice() string {
	switch {
	case p.Backend == "" && p.request.Backend != "":
		return "no backend fits: only " + p.request.Backend + " was asked for"
	case p.Backend == "":
		return "no backend fits"
	case p.request.Backend != "":
		return p.Backend + " builds this: it was asked for"
	case slices.Contains(p.request.Prefer, p.Backend):
		return p.Backend + " builds this: it is the first that fits of those preferred"
	case len(p.request.Prefer) > 0:
		return p.Backend + " builds this: none of those preferred fits, and it is the first of the others that does"
	}
	return p.Backend + " builds this: it is the first that fits"
}

// textOf explains one verdict.
func (p Plan) textOf(v Verdict) string {
	var b strings.Builder
	switch n := len(v.Missing); {
	case v.Problem != "":
		return fmt.Sprintf("%s cannot be used: %s\n", v.ID, v.Problem)
	case n == 0:
		fmt.Fprintf(&b, "%s fits%s", v.ID, p.passedOver(v))
	case n == 1:
		fmt.Fprintf(&b, "%s lacks 1 thing", v.ID)
	default:
		fmt.Fprintf(&b, "%s lacks %d things", v.ID, n)
	}
	for _, r := range v.Runs {
		if how, ok := modes[r.Mode]; ok {
			fmt.Fprintf(&b, "; %s %s", r.Platform, how)
		}
	}
	if len(v.Waived) > 0 {
		fmt.Fprintf(&b, "; experimental: %s", strings.Join(v.Waived, ", "))
	}
	b.WriteByte('\n')
	for _, m := range v.Missing {
		fmt.Fprintf(&b, "  %s (%s)%s\n", m.name(), m.Reason, first(m))
		if m.Message != "" {
			fmt.Fprintf(&b, "    %s\n", m.Message)
		}
		if m.Alternative != "" {
			fmt.Fprintf(&b, "    instead: %s\n", m.Alternative)
		}
	}
	return b.String()
}

// modes says how commands run.
var modes = map[backendv1.RunMode]string{
	backendv1.RunMode_RUN_MODE_NATIVE:   "natively",
	backendv1.RunMode_RUN_MODE_EMULATED: "in emulation",
}

// passedOver says why a backend that fits was not chosen.
func (p Plan) passedOver(v Verdict) string {
	switch {
	case v.ID == p.Backend:
		return ""
	case p.request.Backend != "":
		return " too, but was not asked for"
	}
	return " too, but comes after " + p.Backend
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
