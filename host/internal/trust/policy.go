// SPDX-License-Identifier: Apache-2.0

package trust

import "fmt"

// Policy says what happens to a release that nobody trusted has signed.
type Policy string

// The policies.
const (
	// Off does not look at signatures.
	Off Policy = "off"
	// Warn installs it and says so.
	Warn Policy = "warn"
	// Require refuses it.
	Require Policy = "require"
)

// ParsePolicy reads the value of the setting.
func ParsePolicy(text string) (Policy, error) {
	switch p := Policy(text); p {
	case Off, Warn, Require:
		return p, nil
	}
	return "", fmt.Errorf("setting %s is %q; it can be %s, %s or %s", SettingPolicy, text, Off, Warn, Require)
}

// Verdict is what a policy says of a release.
type Verdict int

// The verdicts.
const (
	// Accept installs it.
	Accept Verdict = iota + 1
	// Caution installs it, and the message must be shown.
	Caution
	// Refuse does not install it.
	Refuse
)

// Decision is a verdict with its reason, in words for people.
type Decision struct {
	// Verdict is the decision.
	Verdict Verdict
	// Message is why: "signed by …", "not signed".
	Message string
	// Help is one sentence: what to do. Only with Refuse and Caution.
	Help string
}
