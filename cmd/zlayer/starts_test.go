// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// A storm of builds with one state folder: each of them starts a backend, and
// each comes to its end.
func TestManyAtOnce(t *testing.T) {
	const builds = 30
	m := watch(newBoxes(t))
	m.container = boxID
	m.zlayer("plugin", "add", "--yes", m.plugin("sandbox-backend", box), m.plugin("dockerfile", boxfile))
	context := boxContext(t)
	digests, errs := make([]string, builds), make([]error, builds)
	var group sync.WaitGroup
	for i := range builds {
		group.Go(func() {
			digests[i], errs[i] = m.try("build", context, "--backend", boxID, "--no-cache", "--build-arg", fmt.Sprintf("BUILD=%d", i))
		})
	}
	group.Wait()
	different := map[string]bool{}
	for i, err := range errs {
		if err != nil {
			t.Errorf("build %d: %v\n%s", i, err, stderrOf(err))
		}
		different[digests[i]] = true
	}
	if len(different) != builds {
		t.Errorf("%d builds made %d images", builds, len(different))
	}
	if left := m.left() + m.leftInState(); left != "" {
		t.Errorf("there is still:\n%s", left)
	}
}

// moody is a backend that ends at once when its mood is bad.
func moody(m *manifest.Manifest) {
	box(m)
	m.ID = "example.com/moody"
	m.Environment = append(m.Environment, "MOOD")
	wrap(m)
}

// wrap has a script run in front of a backend.
func wrap(m *manifest.Manifest) {
	m.Files[0].Role = ""
	m.Files = append(m.Files, manifest.File{Path: "run", Role: manifest.RoleMain})
}

// wrapped makes a plugin of sandbox-backend with a script in front of it.
func (s *sandbox) wrapped(script string, edits ...func(*manifest.Manifest)) string {
	s.t.Helper()
	dir := unsealed(s.t, filepath.Join(s.repo, "bin", "plugins", "sandbox-backend"), edits)
	write(s.t, filepath.Join(dir, "run"), "#!/bin/sh\n"+script+"\n"+`exec "${0%/*}/sandbox-backend"`+"\n")
	return s.seal(dir, "")
}

// A backend that crashes again and again has to wait longer and longer, which
// the user is told, until it is well again.
func TestHeldBack(t *testing.T) {
	s := newBoxes(t)
	s.zlayer("plugin", "add", "--yes", s.wrapped(`test "$MOOD" != bad || exit 3`, moody), s.plugin("dockerfile", boxfile))
	build := []string{"build", boxContext(t), "--backend", "example.com/moody", "--no-cache"}
	const note = "times in a row"
	bad, good := s.with("MOOD=bad"), s.with("MOOD=good")
	for i := range 3 {
		if said := bad.fails(5, build...); strings.Contains(said, note) {
			t.Errorf("crash %d costs something already:\n%s", i+1, said)
		}
	}
	said := ""
	for range 5 { // on a slow machine a second is over before the next start, and then it is two
		if said = bad.fails(5, build...); strings.Contains(said, note) {
			break
		}
	}
	says(t, said, "example.com/moody", note, "and is started again in ")
	said, err := good.said(build...)
	if err != nil || !strings.Contains(said, note) {
		t.Errorf("when it gets well: %v\n%s", err, said)
	}
	if said, err = good.said(build...); err != nil || strings.Contains(said, note) {
		t.Errorf("when it is well again: %v\n%s", err, said)
	}
}
