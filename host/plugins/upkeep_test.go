// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// A newer version that cannot be used is passed over with a note, in a registry
// and in a mirror, when a plugin is added and when it is updated.
func TestNewestThatCanBeUsed(t *testing.T) {
	r := oci(t)
	dir := t.TempDir()
	for _, at := range []string{r.host + "/acme/tool", filepath.Join(dir, "mirror"), filepath.Join(dir, "mirror.tar")} {
		publish(t, at, "", backend("acme.example/tool", "1.0.0"))
		m := manager(t, host.Config{})
		add(t, m, AddOptions{}, at)
		publish(t, at, "",
			backend("acme.example/tool", "1.1.0"),
			backend("acme.example/tool", "1.2.0", elsewhere),
			backend("acme.example/tool", "2.0.0").with(otherMajor),
			backend("acme.example/tool", "3.0.0-rc.1"))
		p, err := m.PlanUpdate(t.Context(), "acme.example/tool")
		updated := applied(t, p, err)[0]
		added := add(t, manager(t, host.Config{}), AddOptions{}, at)[0]
		for _, c := range []*Change{updated, added} {
			notes := strings.Join(c.Notes, "\n")
			if c.After.Version != "1.1.0" || len(c.Notes) != 2 || !strings.Contains(notes, "version 2.0.0 was passed over") || !strings.Contains(notes, "version 1.2.0 was passed over") {
				t.Errorf("%s: %+v", at, c)
			}
		}
	}
}

// A tag that is a version is what was asked for then; a later update takes the
// newest. A digest is meant.
func TestUpdateOfWhatWasNamedExactly(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	digest := must(manager(t, host.Config{}).Info(t.Context(), at)).Resolved
	publish(t, at, "", frontend("tool", "1.1.0"))
	publish(t, at+":edge", "", frontend("tool", "1.2.0"))
	for source, want := range map[string]string{at + ":1.0.0": "1.1.0", digest: "1.0.0", at + ":edge": "1.2.0"} {
		m := manager(t, host.Config{})
		add(t, m, AddOptions{}, source)
		p, err := m.PlanUpdate(t.Context())
		if c := applied(t, p, err)[0]; c.After.Version != want || installed(t, m) != "tool "+want {
			t.Errorf("%s: %+v", source, c)
		}
	}
}

// An update may be the cure for what cannot be used.
func TestUpdateRepairs(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	for _, name := range []string{"m.wasm", manifest.FileName} {
		m := manager(t, host.Config{})
		add(t, m, AddOptions{}, at)
		ok(t, os.WriteFile(filepath.Join(must(m.List())[0].Path, name), []byte("{"), 0o600))
		p, err := m.PlanUpdate(t.Context())
		applied(t, p, err)
		if v := must(m.Verify(t.Context())); len(v) != 1 || v[0].Problem != "" {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// What an error tells the user to do works.
func TestWaysOut(t *testing.T) {
	r := oci(t)
	at, other := r.host+"/acme/tool", r.host+"/other/tool"
	publish(t, at, "", frontend("tool", "1.0.0"))
	publish(t, other, "", frontend("tool", "1.5.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, at)

	if c := add(t, m, AddOptions{Replace: true}, other)[0]; c.Action != Update || installed(t, m) != "tool 1.5.0" {
		t.Errorf("--replace: %+v", c)
	}
	collider := frontend("other", "1.0.0").with(func(m *manifest.Manifest) { m.Claims.Files = []string{"toolfile"} }).folder(t)
	add(t, m, AddOptions{Collide: true}, collider)
	if got := installed(t, m); got != "other 1.0.0, tool 1.5.0" {
		t.Errorf("--collide: %s", got)
	}
	must(m.Remove(t.Context(), "other"))
	record := must(m.shelf.Current("tool")).Dir + ".json"
	write(t, record, "{")
	must(m.Remove(t.Context(), "tool"))
	add(t, m, AddOptions{}, at)
	if got := installed(t, m); got != "tool 1.0.0" {
		t.Errorf("after a damaged record: %s", got)
	}
	if _, err := os.Stat(record); err == nil {
		t.Error("the damaged record is still there")
	}
	index := filepath.Join(m.config.DataDir, "plugins", "index.json")
	write(t, index, "{")
	ok(t, os.Remove(index))
	add(t, m, AddOptions{}, at)
	if got := installed(t, m); got != "tool 1.0.0" {
		t.Errorf("after a damaged list: %s", got)
	}
}

// The author of a plugin adds build after build from one folder.
func TestDevelopment(t *testing.T) {
	dir := frontend("tool", "1.0.0").folder(t)
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, dir)
	write(t, filepath.Join(dir, "m.wasm"), module("another build"))
	ok(t, host.Seal(dir, ""))
	if c := add(t, m, AddOptions{}, dir)[0]; c.Action != Update || !c.Development || c.After.Digest == c.Before.Digest {
		t.Errorf("%+v", c)
	}
}

// Replacing a backend by one from elsewhere asks, whatever was accepted before.
func TestReplaceAsks(t *testing.T) {
	r := oci(t)
	publish(t, r.host+"/acme/tool", "", backend("acme.example/tool", "1.0.0"))
	publish(t, r.host+"/other/tool", "", backend("acme.example/tool", "1.1.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, r.host+"/acme/tool")
	if c := add(t, m, AddOptions{Replace: true}, r.host+"/other/tool")[0]; !c.Asks {
		t.Errorf("%+v", c)
	}
}

// compiled says whether the compile cache has the module of a plugin.
func compiled(t *testing.T, m *Manager, p *plugin) bool {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(m.cache(), "*", strings.ReplaceAll(p.Files[0].Digest, ":", "-"), "wazero-*", "*"))
	ok(t, err)
	return len(found) > 0
}

// What nobody has used for long goes, with its compiled code.
func TestCollect(t *testing.T) {
	m := manager(t, host.Config{})
	r := oci(t)
	at := r.host + "/acme/tool"
	long := time.Now().Add(-31 * 24 * time.Hour)
	var list []*plugin
	for _, version := range []string{"1.0.0", "2.0.0", "3.0.0", "4.0.0"} {
		p := frontend("tool", version)
		list = append(list, p)
		publish(t, at, "", p)
		add(t, m, AddOptions{}, at)
		for _, glob := range []string{"plugins/releases/*.json", "plugins/releases/*.lock"} {
			for _, file := range must(filepath.Glob(filepath.Join(m.config.DataDir, glob))) {
				ok(t, os.Chtimes(file, long, long))
			}
		}
	}
	for i, want := range []bool{false, false, true, true} { // the current one and the one before
		if got := compiled(t, m, list[i]); got != want {
			t.Errorf("%s is compiled: %t, want %t", list[i].Version, got, want)
		}
	}
	if left := must(filepath.Glob(filepath.Join(m.config.DataDir, "plugins", "releases", "*.json"))); len(left) != 2 {
		t.Errorf("releases left: %q", left)
	}
}

// The compiled code of what is removed goes at once, unless the bundle has the
// same module.
func TestRemoveCompiled(t *testing.T) {
	for _, inBundle := range []bool{false, true} {
		p := frontend("tool", "1.0.0")
		config := host.Config{}
		if inBundle {
			same := frontend("tool", "1.0.0").with(func(m *manifest.Manifest) { m.ID = "bundled"; m.Claims.Files = []string{"x"} })
			config.BundleDir = same.folder(t)
		}
		m := manager(t, config)
		add(t, m, AddOptions{}, p.folder(t))
		if !compiled(t, m, p) {
			t.Fatal("it is not compiled")
		}
		must(m.Remove(t.Context(), "tool"))
		if compiled(t, m, p) != inBundle {
			t.Errorf("in the bundle: %t, compiled: %t", inBundle, !inBundle)
		}
	}
}

// Looking at plugins writes nothing.
func TestLookingWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	bundle := frontend("tool", "1.0.0").folder(t)
	m := manager(t, host.Config{DataDir: dir, BundleDir: bundle})
	must(m.List())
	must(m.Verify(t.Context()))
	must(m.Info(t.Context(), "tool"))
	must(m.Doctor(t.Context()))
	if _, err := os.Stat(dir); err == nil {
		t.Errorf("there is a state folder: %q", tree(t, dir))
	}
}

// A newer minor of the protocol is a note.
func TestNewerMinor(t *testing.T) {
	m := manager(t, host.Config{})
	p := frontend("tool", "1.0.0").with(func(m *manifest.Manifest) { m.Protocol.Minor = 9 })
	c := add(t, m, AddOptions{}, p.folder(t))[0]
	if len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "what is new in it is not used") {
		t.Errorf("notes %q", c.Notes)
	}
	if list := must(m.List()); list[0].Problem != "" {
		t.Error(list[0].Problem)
	}
}
