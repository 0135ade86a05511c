// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"path"
	"regexp"
	"strings"
)

// The parts of a semantic version: numbers have no zeros in front.
const (
	number     = `(0|[1-9]\d*)`
	prerelease = `(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)`
)

var (
	idSyntax      = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*(/[a-z0-9]+([.-][a-z0-9]+)*)?$`)
	versionSyntax = regexp.MustCompile(`^` + number + `\.` + number + `\.` + number + `(-` + prerelease + `(\.` + prerelease + `)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
	digestSyntax  = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// maxID is the longest id in bytes; ids are names of folders.
const maxID = 100

// ValidID says whether a plugin can have an id.
func ValidID(id string) bool {
	vendor, _, theirs := strings.Cut(id, "/")
	return idSyntax.MatchString(id) && len(id) <= maxID && (!theirs || strings.Contains(vendor, "."))
}

// ValidVersion says whether a text is a semantic version, without "v".
func ValidVersion(version string) bool { return versionSyntax.MatchString(version) }

// ValidDigest says whether a text is a digest as Digest returns it.
func ValidDigest(digest string) bool { return digestSyntax.MatchString(digest) }

// ValidPath says whether a path is slash-separated, relative and clean, and
// stays inside its folder on every operating system: a backslash or a colon
// means something on Windows (SPEC M2).
func ValidPath(p string) bool {
	return p != "" && p != "." && p == path.Clean(p) && !path.IsAbs(p) &&
		p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "\\:\x00")
}
