// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Each thing that is wrong is found once, the worst first.
func TestDoctor(t *testing.T) {
	r := oci(t)
	at := r.host + "/acme/"
	claims := func(m *manifest.Manifest) { m.Claims.Files = []string{"same"} }
	publish(t, at+"broken", "", frontend("broken", "1.0.0"))
	publish(t, at+"first", "", frontend("first", "1.0.0").with(claims))
	publish(t, at+"newer", "", frontend("newer", "1.0.0").with(func(m *manifest.Manifest) { m.Protocol.Minor = 9 }))
	publish(t, at+"locked", "", frontend("locked", "1.0.0"))
	dir := t.TempDir()
	ok(t, os.Chmod(dir, 0o777)) //nolint:gosec // that is what is found
	m := manager(t, host.Config{DataDir: dir, Environ: []string{"PATH=" + t.TempDir()}})
	add(t, m, AddOptions{Collide: true}, at+"broken", at+"first", at+"newer", at+"locked",
		backend("acme.example/tool", "1.0.0").folder(t), frontend("second", "1.0.0").with(claims).folder(t))
	m.config.LockFile = filepath.Join(t.TempDir(), LockName)
	must(m.Lock(t.Context(), m.config.LockFile))
	publish(t, at+"locked", "", frontend("locked", "1.1.0"))
	must(m.Remove(t.Context(), "locked"))
	add(t, m, AddOptions{}, at+"locked")
	for _, p := range must(m.List()) {
		if p.ID == "broken" {
			write(t, filepath.Join(p.Path, "m.wasm"), "other")
		}
	}
	ok(t, os.Mkdir(filepath.Join(dir, "plugins", "stray"), 0o700))
	ok(t, os.RemoveAll(filepath.Join(dir, "wasm")))

	var got []string
	for _, f := range must(m.Doctor(t.Context())) {
		got = append(got, string(f.Severity)+" "+f.Plugin+": "+f.Message)
	}
	for _, want := range []string{
		"error : others can write to the state folder",
		"error broken: " + dir, // is not the file its manifest names
		"warning : " + filepath.Join(dir, "plugins", "stray"),
		"warning locked: " + m.config.LockFile + " pins locked 1.0.0",
		"warning second: it claims \"same\" with the same priority as first",
		"note newer: it knows frontend protocol 1.9",
		"note acme.example/tool: not on PATH, of the programs that it may run: git",
		"note acme.example/tool: it is a development install",
		"note first: it is not compiled",
	} {
		n := 0
		for _, text := range got {
			if strings.HasPrefix(text, want) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q is there %d times", want, n)
		}
	}
	if !slices.IsSortedFunc(got, func(a, b string) int { return severity(a) - severity(b) }) || t.Failed() {
		t.Errorf("found\n%s", strings.Join(got, "\n"))
	}
}

func severity(text string) int {
	word, _, _ := strings.Cut(text, " ")
	return slices.Index([]string{"error", "warning", "note"}, word)
}

// What can be looked at is, also where the state folder is none.
func TestDoctorOfNoFolder(t *testing.T) {
	m := manager(t, host.Config{DataDir: write(t, filepath.Join(t.TempDir(), "state"), "")})
	found := must(m.Doctor(t.Context()))
	if len(found) == 0 || found[0].Severity != Bad || !strings.Contains(found[0].Message, "is not a folder") {
		t.Errorf("%+v", found)
	}
}
