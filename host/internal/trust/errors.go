// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is why a release counts as not signed.
type Problem int

// The problems. Of several bundles, the last one of this list is told.
const (
	// Unsigned: there is no signature.
	Unsigned Problem = iota + 1
	// Wrong: all signatures are broken, or cover something else.
	Wrong
	// Untrusted: there are signatures, but of nobody who is trusted to sign
	// this plugin.
	Untrusted
)

// Error says that no trusted key or identity signed a release.
type Error struct {
	// Problem is the kind of error.
	Problem Problem
	// Digest is what no signature was found for.
	Digest string
	// Reasons say of the bundles why they do not count: for Untrusted who
	// claims to have signed, for Wrong what is wrong with them.
	Reasons []string
	// Nobody says that the settings trust no key and no identity.
	Nobody bool
}

// mostReasons is how many reasons an error tells. A registry may hold any
// number of bundles that anybody attached.
const mostReasons = 5

// Error returns the problem and the reasons in one line.
func (e *Error) Error() string {
	text := map[Problem]string{
		Unsigned:  "it is not signed",
		Wrong:     "its signature is wrong",
		Untrusted: "it is signed, but by nobody who is trusted",
	}[e.Problem]
	if len(e.Reasons) == 0 {
		return text
	}
	text += ": " + strings.Join(e.Reasons[:min(len(e.Reasons), mostReasons)], "; ")
	if more := len(e.Reasons) - mostReasons; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// finding is why one bundle does not count.
type finding struct {
	problem Problem
	reason  string
}

// add remembers why one more bundle does not count.
func (e *Error) add(f *finding) {
	if f.problem > e.Problem {
		e.Problem, e.Reasons = f.problem, nil
	}
	if f.problem == e.Problem && !slices.Contains(e.Reasons, f.reason) {
		e.Reasons = append(e.Reasons, f.reason)
	}
}

// quoted shows text that a stranger wrote: with nothing a terminal would obey,
// and not too much of it.
func quoted(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return fmt.Sprintf("%q", text)
}
