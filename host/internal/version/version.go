// SPDX-License-Identifier: Apache-2.0

// Package version orders the versions of plugins, as semver.org 2.0.0 says.
package version

import "golang.org/x/mod/semver"

// Compare returns -1, 0 or 1 when a is older than b, as old, or newer. What
// follows "+" does not matter, and what is no version is older than any.
func Compare(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// Prerelease says whether a version has a "-" part: nobody gets it who did not
// ask for it.
func Prerelease(v string) bool { return semver.Prerelease("v"+v) != "" }
