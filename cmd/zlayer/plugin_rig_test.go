// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// The plugins of the tests are those of the bundle under other names, so that
// they do all that real ones do.
const (
	boxID     = "example.com/box"
	boxfileID = "example.com/boxfile"
)

// box is a backend, sandbox-backend without its privileges: it is confined, and
// runs no commands.
func box(m *manifest.Manifest) {
	m.ID, m.Version = boxID, "1.0.0"
	m.Permissions, m.Environment = nil, []string{"SANDBOX_BACKEND_DRIVER"}
}

// boxfile is a frontend, Dockerfiles by another name.
func boxfile(m *manifest.Manifest) {
	m.ID, m.Version = boxfileID, "1.0.0"
	m.Claims = &manifest.Claims{Files: []string{"Boxfile"}, Discover: []string{"Boxfile"}}
}

// at is another version.
func at(version string) func(*manifest.Manifest) {
	return func(m *manifest.Manifest) { m.Version = version }
}

// needing is one more path that is touched.
func needing(path string) func(*manifest.Manifest) {
	return func(m *manifest.Manifest) {
		if m.Permissions == nil {
			m.Permissions = &manifest.Permissions{}
		}
		m.Permissions.Paths = append(m.Permissions.Paths, path)
	}
}

// newBoxes is a sandbox for the plugins of the tests.
func newBoxes(t *testing.T) *sandbox {
	t.Helper()
	s := newSandbox(t)
	s.env = append(s.env, "SANDBOX_BACKEND_DRIVER=none", "SOURCE_DATE_EPOCH=1700000000")
	return s
}

// plugin makes a sealed folder out of a plugin of the bundle and of what is
// different in its manifest.
func (s *sandbox) plugin(bundled string, edits ...func(*manifest.Manifest)) string {
	s.t.Helper()
	return s.seal(unsealed(s.t, filepath.Join(s.repo, "bin", "plugins", bundled), edits), "")
}

// elsewhere is a platform that is not this machine's.
func elsewhere() string {
	if runtime.GOARCH == "arm64" {
		return "linux/amd64"
	}
	return "linux/arm64"
}

// pluginElsewhere is plugin for another platform: its files are others.
func (s *sandbox) pluginElsewhere(bundled string, edits ...func(*manifest.Manifest)) string {
	s.t.Helper()
	dir := unsealed(s.t, filepath.Join(s.repo, "bin", "plugins", bundled), edits)
	write(s.t, filepath.Join(dir, bundled), "a program for "+elsewhere())
	return s.seal(dir, elsewhere())
}

// seal seals the folder of a plugin and returns it.
func (s *sandbox) seal(dir, platform string) string {
	s.t.Helper()
	s.zlayer("plugin", "seal", "--platform", platform, dir)
	return dir
}

// unsealed copies the folder of a plugin and edits the manifest, which is as
// before the plugin was built.
func unsealed(t *testing.T, from string, edits []func(*manifest.Manifest)) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Files {
		m.Files[i].Digest, m.Files[i].Platform = "", ""
	}
	for _, edit := range edits {
		edit(m)
	}
	if raw, err = manifest.Format(m); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, manifest.FileName), string(raw))
	return dir
}

// write writes a file that every user may read and run.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// boxContext makes a context with a Boxfile of an image with one file.
func boxContext(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Boxfile"), "FROM scratch\nARG BUILD\nCOPY word /word\nENV BUILD=$BUILD\nCMD [\"/word\"]\n")
	write(t, filepath.Join(dir, "word"), "box")
	return dir
}

// fails runs bin/zlayer, which must end with an exit code, and returns what it
// wrote: on stdout, where findings are, and on stderr.
func (s *sandbox) fails(code int, args ...string) string {
	s.t.Helper()
	out, err := s.try(args...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != code {
		s.t.Fatalf("zlayer %s: %v, want exit code %d\n%s%s", strings.Join(args, " "), err, code, out, stderrOf(err))
	}
	return out + stderrOf(err)
}

// said runs bin/zlayer and returns all that it wrote.
func (s *sandbox) said(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(s.repo, "bin", "zlayer"), args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// with is the same sandbox with more variables.
func (s *sandbox) with(variables ...string) *sandbox {
	other := *s
	other.env = slices.Concat(s.env, variables)
	return &other
}

// says fails the test unless all words are in a text.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("nothing says %q:\n%s", word, text)
		}
	}
}

// listed is a plugin as "plugin list" shows it, verified as "plugin verify".
type listed struct {
	ID, Version, Origin, Signature, Source, Problem string
}

// installed lists what is installed, by id.
func (s *sandbox) installed() map[string]listed {
	s.t.Helper()
	all := parseList(s.t, s.zlayer("plugin", "list", "--format", "json"))
	found := map[string]listed{}
	for _, p := range all {
		if p.Origin == "installed" {
			found[p.ID] = p
		}
	}
	return found
}

func parseList(t *testing.T, text string) []listed {
	t.Helper()
	var all []listed
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return all
}
