// SPDX-License-Identifier: Apache-2.0

package lockfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Drift says in words how a plugin is not the one that is pinned: m is its
// manifest, and digest that of the manifest's bytes. It is empty when it is the
// one.
func (e Entry) Drift(m *manifest.Manifest, digest string) []string {
	var d drift
	d.text("id", e.ID, m.ID)
	d.text("kind", string(e.Kind), string(m.Kind))
	d.text("version", e.Version, m.Version)
	d.text("manifest", e.Manifest, digest)
	d.text("protocol", e.Protocol, protocolRange(m.Protocol.Major))
	d.files(e.Files, artifacts(m.Files))
	d.permissions(e.Permissions, m.Permissions)
	d.list("environment", e.Environment, m.Environment)
	return d
}

// drift collects differences.
type drift []string

func (d *drift) text(key, locked, found string) {
	if locked != found {
		*d = append(*d, fmt.Sprintf("%s: locked %s, found %s", key, cmp.Or(locked, "none"), cmp.Or(found, "none")))
	}
}

// list compares lists, in which the order means nothing.
func (d *drift) list(key string, locked, found []string) {
	sorted := func(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), ", ") }
	d.text(key, sorted(locked), sorted(found))
}

func (d *drift) permissions(locked, found *manifest.Permissions) {
	locked, found = cmp.Or(locked, &manifest.Permissions{}), cmp.Or(found, &manifest.Permissions{})
	d.text("permissions.network", yes(locked.Network), yes(found.Network))
	d.list("permissions.paths", locked.Paths, found.Paths)
	d.list("permissions.privileges", locked.Privileges, found.Privileges)
	d.list("permissions.tools", locked.Tools, found.Tools)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// files compares files by platform and path.
func (d *drift) files(locked, found []Artifact) {
	for _, a := range locked {
		d.text("file "+a.name(), a.Digest, digestOf(found, a))
	}
	for _, a := range found {
		if digestOf(locked, a) == "" {
			d.text("file "+a.name(), "", a.Digest)
		}
	}
}

func (a Artifact) name() string { return a.Path + " (" + a.Platform + ")" }

// digestOf returns the digest of the same file in another list, or "".
func digestOf(list []Artifact, a Artifact) string {
	i := slices.IndexFunc(list, func(b Artifact) bool { return b.Platform == a.Platform && b.Path == a.Path })
	if i < 0 {
		return ""
	}
	return list[i].Digest
}
