// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// sources are one plugin each, from every kind of source.
func sources(t *testing.T) (list []string, insecure []string) {
	r := oci(t)
	dir := t.TempDir()
	web := files(t, dir)
	publish(t, r.host+"/acme/one", "", frontend("one", "1.0.0"))
	write(t, filepath.Join(dir, "two.tar.gz"), string(pack(t, frontend("two", "1.0.0").folder(t))))
	publish(t, filepath.Join(dir, "three.tar"), "", backend("acme.example/three", "1.0.0", store.Platform(), elsewhere))
	return []string{
		"oci://" + r.host + "/acme/one", web.URL + "/two.tar.gz", filepath.Join(dir, "three.tar"), frontend("four", "1.0.0").folder(t),
	}, []string{web.host}
}

func TestAddFromEverySource(t *testing.T) {
	list, insecure := sources(t)
	m := manager(t, host.Config{InsecureRegistries: insecure})
	for i, c := range add(t, m, AddOptions{}, list...) {
		if c.Action != Add || c.Source != list[i] || c.Before != nil || c.Development != (i == 3) || c.Asks != (c.Kind == "backend") {
			t.Errorf("%s: %+v", list[i], c)
		}
	}
	if got, want := installed(t, m), "acme.example/three 1.0.0, four 1.0.0, one 1.0.0, two 1.0.0"; got != want {
		t.Errorf("installed: %s", got)
	}
	verified, err := m.Verify(t.Context())
	ok(t, err)
	for _, v := range verified {
		if v.Problem != "" || v.Digest == "" || v.Origin != "installed" {
			t.Errorf("%+v", v)
		}
	}
	for _, p := range must(m.List()) {
		if p.Kind == "frontend" && !*p.Compiled || p.Source == "" || p.Resolved == "" || p.Added.IsZero() {
			t.Errorf("%+v", p)
		}
	}
	for _, c := range add(t, m, AddOptions{}, list...) {
		if c.Action != Nothing || c.Asks {
			t.Errorf("adding again: %+v", c)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// What one machine locks another one installs, wherever it came from.
func TestLockedElsewhere(t *testing.T) {
	list, insecure := sources(t)
	lock := filepath.Join(t.TempDir(), LockName)
	m := manager(t, host.Config{InsecureRegistries: insecure})
	add(t, m, AddOptions{}, list...)
	for _, l := range must(m.Lock(t.Context(), lock)) {
		if l.Done != "pinned" {
			t.Errorf("%+v", l)
		}
	}
	before, err := os.ReadFile(lock)
	ok(t, err)
	file, err := lockfile.Read(lock)
	ok(t, err)
	if e, _ := file.Entry("acme.example/three"); len(e.Files) != 2 || e.Permissions == nil {
		t.Errorf("the lock has not every platform: %+v", e)
	}
	other := manager(t, host.Config{InsecureRegistries: insecure, LockFile: lock, Locked: true})
	p, err := other.PlanLocked(t.Context(), "")
	for _, c := range applied(t, p, err) {
		if c.Action != Add || c.Asks {
			t.Errorf("%+v", c)
		}
	}
	if installed(t, other) != installed(t, m) {
		t.Errorf("installed: %s", installed(t, other))
	}
	for _, l := range must(other.Lock(t.Context(), lock)) {
		if l.Done != "unchanged" {
			t.Errorf("%+v", l)
		}
	}
	after, err := os.ReadFile(lock)
	ok(t, err)
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("locking the same again: %s", diff)
	}
	p, err = other.PlanLocked(t.Context(), "")
	for _, c := range applied(t, p, err) {
		if c.Action != Nothing {
			t.Errorf("again: %+v", c)
		}
	}
}

func TestUpdateRollbackRemove(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	publish(t, at, "", backend("acme.example/tool", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, at)
	update := func() *Change {
		t.Helper()
		p, err := m.PlanUpdate(t.Context())
		return applied(t, p, err)[0]
	}
	if c := update(); c.Action != Nothing {
		t.Errorf("nothing is newer: %+v", c)
	}
	publish(t, at, "", backend("acme.example/tool", "1.1.0"))
	if c := update(); c.Action != Update || c.Asks || c.Before.Version != "1.0.0" {
		t.Errorf("same permissions: %+v", c)
	}
	publish(t, at, "", backend("acme.example/tool", "1.2.0").with(func(m *manifest.Manifest) { m.Permissions.Network = true }))
	c := update()
	var texts []string
	for _, d := range c.Differences {
		texts = append(texts, d.String())
	}
	if got := strings.Join(texts, "\n"); !c.Asks || !strings.Contains(got, "version: 1.1.0 → 1.2.0") || !strings.Contains(got, "permission: + ") {
		t.Errorf("more permissions: %+v, %s", c, got)
	}
	for _, want := range []string{"1.1.0", "1.2.0"} {
		p, err := m.PlanRollback(t.Context(), "acme.example/tool")
		if c := applied(t, p, err)[0]; c.Action != Rollback || c.After.Version != want || installed(t, m) != "acme.example/tool "+want {
			t.Errorf("rollback: %+v, installed %s", c, installed(t, m))
		}
	}
	removed := must(m.Remove(t.Context(), "acme.example/tool"))
	if len(removed) != 1 || removed[0].Version != "1.2.0" || installed(t, m) != "" {
		t.Errorf("removed %+v, installed %s", removed, installed(t, m))
	}
	if left := tree(t, filepath.Join(m.config.DataDir, "plugins", "releases")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A mirror needs no other source, and has every platform and signature.
func TestMirror(t *testing.T) {
	list, insecure := sources(t)
	key, public := keyPair(t, "acme")
	r := oci(t)
	publish(t, r.host+"/acme/signed", key, backend("acme.example/signed", "1.0.0", store.Platform(), elsewhere))
	m := manager(t, host.Config{InsecureRegistries: insecure})
	add(t, m, AddOptions{}, append(list, r.host+"/acme/signed")...)
	lock := filepath.Join(t.TempDir(), LockName)
	must(m.Lock(t.Context(), lock))
	for _, name := range []string{"mirror", "mirror.tar"} {
		to := filepath.Join(t.TempDir(), name)
		if got := must(m.Mirror(t.Context(), to)); len(got) != 5 {
			t.Errorf("%s: %+v", name, got)
		}
		must(m.Mirror(t.Context(), to, list[0])) // what it has stays
		offline := manager(t, host.Config{Signatures: host.Signatures{Policy: "warn", Keys: []string{public}}})
		for _, c := range add(t, offline, AddOptions{From: to}) {
			if signed := strings.HasPrefix(c.Signature, "it is signed by key acme.pem"); c.Source != to || c.Development || signed != (c.ID == "acme.example/signed") {
				t.Errorf("%s: %+v", name, c)
			}
		}
		chosen := manager(t, host.Config{})
		add(t, chosen, AddOptions{From: to}, "two", "acme.example/three@1.0.0")
		if got := installed(t, chosen); got != "acme.example/three 1.0.0, two 1.0.0" {
			t.Errorf("%s: chosen %s", name, got)
		}
		before, err := os.ReadFile(lock)
		ok(t, err)
		same(t, name, m, offline, byLock(t, lock, to), byMirror(t, offline))
		after, err := os.ReadFile(lock)
		ok(t, err)
		if diff := cmp.Diff(string(before), string(after)); diff != "" {
			t.Errorf("%s: a mirror changed the lock: %s", name, diff)
		}
	}
}

// same fails the test when Managers have not the same plugins.
func same(t *testing.T, name string, first *Manager, others ...*Manager) {
	t.Helper()
	for i, m := range others {
		if installed(t, m) != installed(t, first) {
			t.Errorf("%s, %d: installed %s", name, i, installed(t, m))
		}
	}
}

// byLock installs what a lock file pins, from a mirror where one is named, and
// locks it again.
func byLock(t *testing.T, lock, from string) *Manager {
	t.Helper()
	m := manager(t, host.Config{LockFile: lock, Locked: true})
	p, err := m.PlanLocked(t.Context(), from)
	applied(t, p, err)
	must(m.Lock(t.Context(), lock))
	return m
}

// byMirror installs what was installed from a mirror by a lock file and a mirror of
// its own.
func byMirror(t *testing.T, m *Manager) *Manager {
	t.Helper()
	dir := t.TempDir()
	must(m.Mirror(t.Context(), filepath.Join(dir, "again.tar")))
	must(m.Lock(t.Context(), filepath.Join(dir, LockName)))
	byLock(t, filepath.Join(dir, LockName), "")
	return byLock(t, filepath.Join(dir, LockName), filepath.Join(dir, "again.tar"))
}

func TestPublishFromSeveralMachines(t *testing.T) {
	both := backend("acme.example/tool", "1.0.0", store.Platform(), elsewhere)
	var folders []string
	for _, on := range []string{store.Platform(), elsewhere} {
		part := backend("acme.example/tool", "1.0.0", on)
		folders = append(folders, part.folder(t))
	}
	r := oci(t)
	m := manager(t, host.Config{})
	out := must(m.Publish(t.Context(), folders, r.host+"/acme/tool", PublishOptions{}))
	if len(out.Platforms) != 2 || out.ID != both.ID || out.Signed {
		t.Errorf("%+v", out)
	}
	c := add(t, m, AddOptions{}, out.Reference)[0]
	if c.After.Digest != out.Digest || c.Resolved != out.Reference {
		t.Errorf("published %+v, added %+v", out, c)
	}
	whole(t, m)
	lock := filepath.Join(t.TempDir(), LockName)
	must(m.Lock(t.Context(), lock))
	if e, _ := must(lockfile.Read(lock)).Entry(both.ID); len(e.Files) != 2 {
		t.Errorf("%+v", e)
	}
}

// A password in a URL is used, and kept nowhere.
func TestURLWithPassword(t *testing.T) {
	dir := t.TempDir()
	web := files(t, dir)
	write(t, filepath.Join(dir, "tool.tar.gz"), string(pack(t, frontend("tool", "1.0.0").folder(t))))
	web.breaks(func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, _ := r.BasicAuth(); password != "hunter2" || r.URL.Query().Get("token") != "hunter3" {
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return false
	})
	m := manager(t, host.Config{InsecureRegistries: []string{web.host}})
	c := add(t, m, AddOptions{}, strings.Replace(web.URL, "https://", "https://me:hunter2@", 1)+"/tool.tar.gz?token=hunter3")[0]
	lock := filepath.Join(t.TempDir(), LockName)
	must(m.Lock(t.Context(), lock))
	if strings.Contains(fmt.Sprintf("%+v", *c), "hunter") {
		t.Errorf("%+v", *c)
	}
	for _, dir := range []string{m.config.DataDir, filepath.Dir(lock)} {
		for _, file := range tree(t, dir) {
			if data, err := os.ReadFile(filepath.Join(dir, file)); err != nil || strings.Contains(string(data), "hunter") {
				t.Errorf("%s: %v, %s", file, err, data)
			}
		}
	}
}

// What others may have pinned is not changed by accident.
func TestPublishedVersionStays(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/tool"
	m := manager(t, host.Config{})
	one, other := frontend("tool", "1.0.0"), frontend("tool", "1.0.0").with(func(m *manifest.Manifest) { m.Summary = "changed" })
	publish(t, at, "", one)
	publish(t, at, "", one)
	_, err := m.Publish(t.Context(), []string{other.folder(t)}, at, PublishOptions{})
	var refused *host.PluginError
	if !errors.As(err, &refused) || refused.Fault != host.Refused || !strings.Contains(refused.Message, "has version 1.0.0 already") {
		t.Fatalf("got %v", err)
	}
	for destination, o := range map[string]PublishOptions{at: {Replace: true}, at + ":edge": {}} {
		_, err := m.Publish(t.Context(), []string{other.folder(t)}, destination, o)
		ok(t, err)
	}
}

// A source that fails does not keep the others from being updated.
func TestUpdateWithoutOneSource(t *testing.T) {
	dead, alive := oci(t), oci(t)
	publish(t, dead.host+"/acme/a", "", frontend("a", "1.0.0"))
	publish(t, alive.host+"/acme/b", "", frontend("b", "1.0.0"))
	m := manager(t, host.Config{})
	add(t, m, AddOptions{}, dead.host+"/acme/a", alive.host+"/acme/b")
	publish(t, alive.host+"/acme/b", "", frontend("b", "1.1.0"))
	dead.Close()
	p, err := m.PlanUpdate(t.Context())
	ok(t, err)
	var unreachable *host.PluginError
	if !errors.As(p.Failed, &unreachable) || unreachable.Fault != host.Unreachable {
		t.Errorf("failed: %v", p.Failed)
	}
	applied(t, p, nil)
	if got, want := installed(t, m), "a 1.0.0, b 1.1.0"; got != want {
		t.Errorf("installed: %s, want %s", got, want)
	}
	if _, err := m.PlanUpdate(t.Context(), "a"); err == nil {
		t.Error("what was asked for by name was left out")
	}
}
