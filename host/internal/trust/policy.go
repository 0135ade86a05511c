// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
)

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
	// Refuse does not install it.
	Refuse Verdict = iota
	// Caution installs it, and the message must be shown.
	Caution
	// Accept installs it.
	Accept
)

// Decision is a verdict with its reason, in words for people.
type Decision struct {
	// Verdict is the decision.
	Verdict Verdict
	// Message is why, as a sentence about "it", the release.
	Message string
	// Help is one sentence: what to do. Empty with Accept.
	Help string
}

// Decide says what a policy makes of a result of Verify. A development install
// is a plain folder of this machine, which nobody signs: it is always accepted,
// and the message marks it. What is no policy counts as Require.
func Decide(p Policy, s Signature, err error, development bool) Decision {
	switch {
	case development:
		return Decision{Accept, "it is a development install: a folder of this machine, which nobody signed", ""}
	case p == Off:
		return Decision{Accept, fmt.Sprintf("signatures are not checked (setting %s is %s)", SettingPolicy, Off), ""}
	case err == nil && s != Signature{}:
		return Decision{Accept, "it is signed by " + s.String(), ""}
	case err == nil:
		err = &Error{Problem: Unsigned}
	}
	d := Decision{Refuse, err.Error(), help(p, err)}
	if p == Warn {
		d.Verdict = Caution
	}
	return d
}

// help says what to do about a result of Verify.
func help(p Policy, err error) string {
	const ask = "ask its publisher to sign it, with zlayer plugin publish or with cosign"
	var e *Error
	if !errors.As(err, &e) {
		return "get it again from its publisher"
	}
	switch {
	case e.Problem == Wrong:
		return "do not use it: it is not what was signed; get it again from its publisher"
	case e.Problem == Unsigned && p == Warn:
		return ask
	case e.Nobody:
		return fmt.Sprintf("the settings trust nobody yet: set %s to the file of its publisher's public key, or %s and %s to a certificate's identity and who confirms it",
			SettingKeys, SettingIdentities, SettingRoot)
	case e.Problem == Untrusted:
		return fmt.Sprintf("if you know that this is its publisher, add the key to the setting %s, or the identity to %s", SettingKeys, SettingIdentities)
	}
	return fmt.Sprintf("%s; %s=%s would install it unsigned", ask, SettingPolicy, Warn)
}
