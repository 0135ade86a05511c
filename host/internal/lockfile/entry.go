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
		Source: WithoutCredentials(source), Resolved: WithoutCredentials(resolved),
		Manifest: "sha256:" + hex.EncodeToString(sum[:]), Protocol: protocolRange(m.Protocol.Major),
		Files: artifacts(m.Files), Permissions: m.Permissions, Environment: m.Environment, Development: development,
	}
}

// protocolRange is the range of hosts that speak a major. A minor only adds
// (SPEC 7), so every minor of it will do.
func protocolRange(major int) string { return fmt.Sprintf(">=%d.0 <%d", major, major+1) }

// major is the major of a protocolRange; 0 when the pin has none.
func (e Entry) major() int {
	var major int
	if _, err := fmt.Sscanf(e.Protocol, ">=%d.", &major); err != nil || major < 1 || e.Protocol != protocolRange(major) {
		return 0
	}
	return major
}

// Speaks returns a *manifest.VersionError when this host cannot use the pinned
// version. It is known before anything is fetched.
func (e Entry) Speaks() error {
	m := manifest.Manifest{ID: e.ID, Kind: e.Kind, Version: e.Version, Protocol: manifest.Protocol{Major: e.major()}}
	return m.Speaks()
}

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
