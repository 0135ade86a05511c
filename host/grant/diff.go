// SPDX-License-Identifier: Apache-2.0

package grant

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Aspect says in what two versions of a plugin differ.
type Aspect string

// The aspects, in the order of Diff.
const (
	OfVersion     Aspect = "version"
	OfKind        Aspect = "kind"
	OfProtocol    Aspect = "protocol"
	OfPermission  Aspect = "permission"
	OfEnvironment Aspect = "environment"
	OfConfinement Aspect = "confinement"
	OfClaim       Aspect = "claim"
	OfCapability  Aspect = "capability"
	OfPlatform    Aspect = "platform"
)

// Difference is one thing in which two versions of a plugin differ.
type Difference struct {
	// Aspect is in what.
	Aspect Aspect `json:"aspect"`
	// Before and After are how it was and is, in words. Empty for what was
	// or is not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Widens is whether the new version may do more than the old one, so that
	// the user must accept it.
	Widens bool `json:"widens,omitempty"`
}

// String says it in one line.
func (d Difference) String() string {
	switch {
	case d.Before == "":
		return fmt.Sprintf("%s: + %s", d.Aspect, d.After)
	case d.After == "":
		return fmt.Sprintf("%s: - %s", d.Aspect, d.Before)
	}
	return fmt.Sprintf("%s: %s → %s", d.Aspect, d.Before, d.After)
}

// Diff lists how a plugin changes from one manifest to another.
func Diff(before, after *manifest.Manifest) []Difference {
	var d differences
	d.text(OfVersion, before.Version, after.Version, false)
	d.text(OfKind, string(before.Kind), string(after.Kind), after.Kind == manifest.Backend)
	d.text(OfProtocol, before.Protocol.String(), after.Protocol.String(), false)
	d.grants(Of(before), Of(after))
	d.claims(claims(before), claims(after))
	d.list(OfCapability, "", capabilities(before).Features, capabilities(after).Features, false)
	d.list(OfCapability, "images for ", capabilities(before).Platforms, capabilities(after).Platforms, false)
	d.list(OfPlatform, "", before.Platforms(), after.Platforms(), false)
	return d
}

// Widens says whether a version may do more than the one before it.
func Widens(list []Difference) bool {
	return slices.ContainsFunc(list, func(d Difference) bool { return d.Widens })
}

// differences collects.
type differences []Difference

// text compares one value.
func (d *differences) text(aspect Aspect, before, after string, widens bool) {
	if before != after {
		*d = append(*d, Difference{Aspect: aspect, Before: before, After: after, Widens: widens})
	}
}

// list compares values of which each is there or not. What they are is put
// before each.
func (d *differences) list(aspect Aspect, what string, before, after []string, widens bool) {
	for _, v := range missing(before, after) {
		d.text(aspect, what+v, "", false)
	}
	for _, v := range missing(after, before) {
		d.text(aspect, "", what+v, widens)
	}
}

// missing returns what is in a list and not in the other.
func missing[T comparable](list, other []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return slices.Contains(other, v) })
}

// grants compares what may be touched. A path that changes only in whether it
// may be written is one difference, as is the confinement.
func (d *differences) grants(before, after []Grant) {
	gone, added := missing(before, after), missing(after, before)
	for _, g := range gone {
		if i := slices.IndexFunc(added, g.same); i >= 0 {
			d.text(g.Kind.aspect(), g.String(), added[i].String(), added[i].wider(before))
			added = slices.Delete(added, i, i+1)
		} else if g.Kind != Nothing {
			d.text(g.Kind.aspect(), g.String(), "", false)
		}
	}
	for _, g := range added {
		if g.Kind != Nothing {
			d.text(g.Kind.aspect(), "", g.String(), g.wider(before))
		}
	}
}

// same says whether another grant is about the same thing.
func (g Grant) same(other Grant) bool {
	return g.Kind == other.Kind && (g.Name == other.Name || g.Kind == Confinement)
}

// wider says whether a grant gives something that none of a list gives.
func (g Grant) wider(than []Grant) bool {
	return !slices.ContainsFunc(than, func(other Grant) bool { return other.covers(g) })
}

// covers says whether a grant gives all that another one gives.
func (g Grant) covers(other Grant) bool {
	if g.Kind != other.Kind {
		return false
	}
	prefix, open := strings.CutSuffix(g.Name, "*")
	switch {
	case g.Kind == Confinement:
		return g.Name == Unconfined || other.Name == Confined
	case g.Kind == Environment && open:
		return strings.HasPrefix(other.Name, prefix)
	}
	return g.Name == other.Name && (g.Write || !other.Write)
}

// aspect is in what a grant makes a difference.
func (k Kind) aspect() Aspect {
	switch k {
	case Environment:
		return OfEnvironment
	case Confinement:
		return OfConfinement
	}
	return OfPermission
}

// claims compares which build files a frontend takes. One that takes more, or
// takes them before others, may be given files that were another's.
func (d *differences) claims(before, after manifest.Claims) {
	d.list(OfClaim, "files ", before.Files, after.Files, true)
	d.list(OfClaim, "discover ", before.Discover, after.Discover, true)
	d.list(OfClaim, "syntax ", before.Syntaxes, after.Syntaxes, true)
	priority := func(c manifest.Claims) string { return "priority " + strconv.Itoa(c.Priority) }
	d.text(OfClaim, priority(before), priority(after), after.Priority > before.Priority)
}

func claims(m *manifest.Manifest) manifest.Claims {
	return *cmp.Or(m.Claims, &manifest.Claims{})
}

func capabilities(m *manifest.Manifest) manifest.Capabilities {
	return *cmp.Or(m.Capabilities, &manifest.Capabilities{})
}
