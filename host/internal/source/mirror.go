// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/registry"
)

// mirror is an OCI image layout with any number of plugins.
type mirror struct {
	spec   Spec
	layout *artifact.Layout
	ids    []string
	// subject and bundles are the digest of the archive, and the signatures
	// beside it. Both empty for a folder.
	subject string
	bundles [][]byte
}

var _ Source = (*mirror)(nil)

func newMirror(s Spec, layout *artifact.Layout, archive *folder) (*mirror, error) {
	m := &mirror{spec: s, layout: layout, subject: archive.subject, bundles: archive.bundles}
	entries, err := layout.Entries()
	if err != nil {
		return nil, about(s, err)
	}
	for _, e := range entries {
		m.ids = append(m.ids, e.ID)
	}
	slices.Sort(m.ids)
	m.ids = slices.Compact(m.ids)
	if len(m.ids) == 0 {
		return nil, &Error{Problem: Broken, Source: s.String(), Message: "it holds no plugin", Help: "zlayer plugin mirror makes a mirror"}
	}
	return m, nil
}

// IDs implements Source.
func (m *mirror) IDs() []string { return m.ids }

// Release implements Source.
func (m *mirror) Release(ctx context.Context, id string, w Want) (*Release, error) {
	switch {
	case id == "" && len(m.ids) == 1:
		id = m.ids[0]
	case id == "":
		return nil, m.absent("it holds more than one plugin")
	case !slices.Contains(m.ids, id):
		return nil, m.absent("it does not hold " + id)
	}
	r := &repository{name: m.spec.String(), spec: m.spec, repo: m.layout.Plugin(id)}
	rel, err := r.Release(ctx, id, w)
	if err != nil {
		return nil, about(m.spec, err)
	}
	rel.Resolved = m.spec.String()
	if len(rel.Bundles) == 0 && len(m.bundles) > 0 {
		rel.Subject, rel.Statement, rel.Bundles = m.subject, nil, m.bundles
	}
	return rel, nil
}

func (m *mirror) absent(message string) error {
	return &Error{Problem: Absent, Source: m.spec.String(), Message: message, Help: "name one of these: " + strings.Join(m.ids, ", ")}
}

// about names the mirror in an error: what the layout names may be a folder
// that it was unpacked to.
func about(s Spec, err error) error {
	var e *registry.Error
	if !errors.As(err, &e) {
		return err
	}
	named := *e
	named.Reference = s.String()
	return &named
}
