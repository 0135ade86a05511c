// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// NewEntry pins a plugin: m is its manifest and raw the bytes of that, source
// what the user asked for and resolved what that was. Credentials in either are
// left out.
func NewEntry(m *manifest.Manifest, raw []byte, source, resolved string, development bool) Entry {
	sum := sha256.Sum256(raw)
	return Entry{
		ID: m.ID, Version: m.Version, Kind: m.Kind,
		Source: withoutCredentials(source), Resolved: withoutCredentials(resolved),
		Manifest: "sha256:" + hex.EncodeToString(sum[:]), Protocol: protocolRange(m.Protocol.Major),
		Files: artifacts(m.Files), Permissions: m.Permissions, Environment: m.Environment, Development: development,
	}
}

// protocolRange is the range of hosts that speak a major. A minor only adds
// (SPEC 7), so every minor of it will do.
func protocolRange(major int) string { return fmt.Sprintf(">=%d.0 <%d", major, major+1) }

// artifacts lists files sorted by platform and path.
func artifacts(files []manifest.File) []Artifact {
	list := make([]Artifact, 0, len(files))
	for _, f := range files {
		list = append(list, Artifact{Platform: cmp.Or(f.Platform, Any), Path: f.Path, Digest: f.Digest})
	}
	slices.SortFunc(list, func(a, b Artifact) int {
		return cmp.Or(cmp.Compare(a.Platform, b.Platform), cmp.Compare(a.Path, b.Path))
	})
	return list
}
