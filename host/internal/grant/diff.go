// SPDX-License-Identifier: Apache-2.0

package grant

import "github.com/zlayer/zlayer/sdk/manifest"

// Aspect says in what two versions of a plugin differ.
type Aspect string

// The aspects.
const (
	OfKind        Aspect = "kind"
	OfVersion     Aspect = "version"
	OfProtocol    Aspect = "protocol"
	OfPermission  Aspect = "permission"
	OfEnvironment Aspect = "environment"
	OfConfinement Aspect = "confinement"
	OfCapability  Aspect = "capability"
	OfClaim       Aspect = "claim"
	OfPlatform    Aspect = "platform"
)

// Difference is one thing in which two versions of a plugin differ.
type Difference struct {
	// Kind is in what.
	Kind Aspect `json:"kind"`
	// Before and After are how it was and is, in words. Empty for what was
	// or is not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Widens is whether the new version may do more than the old one, so that
	// the user must accept it.
	Widens bool `json:"widens,omitempty"`
}

// Diff lists how a plugin changes from one version to another.
func Diff(before, after *manifest.Manifest) []Difference { return nil }
