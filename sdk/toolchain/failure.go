// SPDX-License-Identifier: Apache-2.0

package toolchain

import (
	"cmp"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/toolchain/place"
)

// FailureOf is the failure of a program that found these errors in the source;
// it sorts them. Its message is the one error there is, their number, or, when
// there are none, what the program said last. A single error without a place
// becomes the message and help of the failure and is no finding any more.
func FailureOf(said string, findings []*backendv1.Finding) *backend.Failure {
	switch len(findings) {
	case 0:
		return backend.Sourcef(nil, "%s", cmp.Or(said, "it failed without saying why"))
	case 1:
		d := findings[0].GetDiagnostic()
		f := backend.Sourcef(nil, "%s", d.GetMessage())
		if d.GetRange() == nil {
			f.Help = d.GetHelp()
		} else {
			f.Findings = findings
		}
		return f
	}
	place.Sort(findings)
	f := backend.Sourcef(nil, "%d errors", len(findings))
	f.Findings = findings
	return f
}

// Cause is something that makes a toolchain fail and that its user can do
// something about.
type Cause struct {
	// Says is what the toolchain says then, or a part of it.
	Says string
	// Kind is whose fault it is.
	Kind backendv1.FailureKind
	// Help is what to do about it.
	Help string
}

// Causes are looked for in their order: the first that fits counts.
type Causes []Cause

// Explain gives a failure the kind of the cause that the text names, and its
// help, unless it has one. It says whether there is such a cause. Text should
// be the toolchain's own words, without quotations of the user's source.
func (c Causes) Explain(f *backend.Failure, text string) bool {
	for _, cause := range c {
		if strings.Contains(text, cause.Says) {
			f.Kind, f.Help = cause.Kind, cmp.Or(f.Help, cause.Help)
			return true
		}
	}
	return false
}
