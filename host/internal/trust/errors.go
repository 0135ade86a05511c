// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"strings"
)

// Problem is why a release counts as not signed.
type Problem int

// The problems, the worst last.
const (
	// Unsigned: there is no bundle.
	Unsigned Problem = iota + 1
	// Untrusted: there are signatures, but of nobody who is trusted to sign
	// this plugin.
	Untrusted
	// Wrong: all there is is broken, or covers something else.
	Wrong
)

// Error says that no trusted key or identity signed a release.
type Error struct {
	// Problem is the kind of error.
	Problem Problem
	// Subject is the digest that no signature was found for.
	Subject string
	// Reasons say for each bundle why it does not count: for Untrusted who
	// claims to have signed, for Wrong what is wrong with it.
	Reasons []string
	// Nobody says that the settings trust no key and no identity.
	Nobody bool
}

// Error returns the problem and the reasons in one line.
func (e *Error) Error() string {
	reasons := strings.Join(e.Reasons, "; ")
	switch e.Problem {
	case Untrusted:
		return fmt.Sprintf("signed by nobody who is trusted: %s", reasons)
	case Wrong:
		return fmt.Sprintf("the signature is wrong: %s", reasons)
	}
	return "not signed"
}
