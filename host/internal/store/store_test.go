// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// frontend writes a frontend into a root and returns its folder.
func frontend(t *testing.T, root, id string, change func(*manifest.Manifest)) string {
	t.Helper()
	m := &manifest.Manifest{
		Schema: 1, ID: id, Kind: manifest.Frontend, Version: "1.0.0", Protocol: manifest.Protocol{Major: 1},
		Files:  []manifest.File{{Path: "m.wasm", Digest: "sha256:" + strings.Repeat("0", 64), Role: manifest.RoleMain}},
		Claims: &manifest.Claims{Files: []string{filepath.Base(id) + "file"}},
	}
	if change != nil {
		change(m)
	}
	data, err := manifest.Format(m)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, id)
	write(t, filepath.Join(dir, manifest.FileName), string(data))
	write(t, filepath.Join(dir, "m.wasm"), "")
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, dirs ...string) *Set {
	t.Helper()
	s, err := Find(Places{Shelf: OpenShelf(t.TempDir()), Dirs: dirs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nothing broken is passed over in silence.
func TestBrokenPluginsAreFoundWithTheReason(t *testing.T) {
	root := t.TempDir()
	frontend(t, root, "good", nil)
	frontend(t, root, "future", func(m *manifest.Manifest) { m.Protocol.Major = 9 })
	if err := os.Remove(filepath.Join(frontend(t, root, "fileless", nil), "m.wasm")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "garbled", manifest.FileName), "{")
	write(t, filepath.Join(root, "bare", "m.wasm"), "")
	s := find(t, root)
	for id, want := range map[string]string{
		"future": "speaks frontend protocol 9, this zlayer speaks 1", "fileless": "its file is missing",
		"garbled": "its manifest is not valid", "bare": "its manifest cannot be read",
	} {
		p := s.Get(id)
		if p == nil || p.Problem == nil || !strings.Contains(p.Problem.Error(), want) {
			t.Errorf("%s: got %+v, want %q", id, p, want)
		}
	}
	var version *manifest.VersionError
	if !errors.As(s.Get("future").Problem, &version) {
		t.Error("the version error is not typed")
	}
	if p := s.Get("good"); p == nil || p.Problem != nil {
		t.Errorf("good: %+v", p)
	}
}

func TestLastFolderWins(t *testing.T) {
	top := t.TempDir()
	bundle, extra := filepath.Join(top, "bundle"), filepath.Join(top, "extra")
	old := frontend(t, bundle, "a", nil)
	dir := frontend(t, extra, "a", nil)
	s := find(t, bundle, extra)
	if p := s.Get("a"); p.Dir != dir || p.Problem != nil {
		t.Errorf("got %+v", p)
	}
	if p := s.All()[0]; p.Dir != old || p.Problem == nil || !strings.Contains(p.Problem.Error(), "is used instead") {
		t.Errorf("the shadowed one: %+v", p)
	}
}

// A folder that is itself a plugin, as an author has it.
func TestFolderMayBeAPlugin(t *testing.T) {
	dir := frontend(t, t.TempDir(), "mine", nil)
	if p := find(t, dir).Get("mine"); p == nil || p.Problem != nil {
		t.Errorf("got %+v", p)
	}
}

// The id of a third party's plugin holds a slash, and so does its folder.
func TestPluginsOfAVendor(t *testing.T) {
	root := t.TempDir()
	for _, id := range []string{"acme.example/oven", "acme.example/pan"} {
		frontend(t, root, id, nil)
	}
	write(t, filepath.Join(root, "acme.example", "notes", "readme"), "no plugin")
	write(t, filepath.Join(root, ".partial", "m.wasm"), "being installed")
	s := find(t, root)
	if len(s.All()) != 2 {
		t.Errorf("found %d plugins", len(s.All()))
	}
	for _, id := range []string{"acme.example/oven", "acme.example/pan"} {
		if p := s.Get(id); p == nil || p.Problem != nil {
			t.Errorf("%s: %+v", id, p)
		}
	}
}

// A folder that the user named must exist; the others need not.
func TestMissingFolders(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no")
	if _, err := Find(Places{Bundle: missing, Shelf: OpenShelf(missing)}); err != nil {
		t.Errorf("bundle and shelf: %v", err)
	}
	if _, err := Find(Places{Shelf: OpenShelf(missing), Dirs: []string{missing}}); err == nil {
		t.Error("a folder that the user named and that is missing was accepted")
	}
}

func TestClaims(t *testing.T) {
	root := t.TempDir()
	claims := func(priority int, files ...string) func(*manifest.Manifest) {
		return func(m *manifest.Manifest) {
			m.Claims = &manifest.Claims{Files: files, Discover: files, Priority: priority, Syntaxes: []string{"x/" + m.ID}}
		}
	}
	frontend(t, root, "low", claims(1, "F", "F.*"))
	frontend(t, root, "high", claims(2, "G", "*.x"))
	s := find(t, root)
	for name, want := range map[string]string{"F": "low", "F.x": "high", "F.y": "low", "G": "high", "other": ""} {
		got := ""
		if p := s.ForFile(name); p != nil {
			got = p.ID
		}
		if got != want {
			t.Errorf("ForFile(%q) = %q, want %q", name, got, want)
		}
	}
	if p := s.ForSyntax("x/low:1@sha256:0"); p == nil || p.ID != "low" {
		t.Errorf("ForSyntax: %+v", p)
	}
	if got, want := s.Discovery(), []string{"G", "*.x", "F", "F.*"}; !slices.Equal(got, want) {
		t.Errorf("Discovery = %q, want %q", got, want)
	}
}

// A file is not read by another frontend because its own one is broken, and one
// that is broken takes no file from one that works.
func TestClaimsOfTheBroken(t *testing.T) {
	root := t.TempDir()
	claims := func(major, priority int, files ...string) func(*manifest.Manifest) {
		return func(m *manifest.Manifest) {
			m.Protocol.Major = major
			m.Claims = &manifest.Claims{Files: files, Discover: files, Priority: priority, Syntaxes: files}
		}
	}
	frontend(t, root, "broken", claims(99, 2, "F", "G"))
	frontend(t, root, "works", claims(1, 1, "G"))
	s := find(t, root)
	for name, want := range map[string]string{"F": "broken", "G": "works"} {
		for _, p := range []*Plugin{s.ForFile(name), s.ForSyntax(name)} {
			if p == nil || p.ID != want {
				t.Errorf("%s: %+v, want %s", name, p, want)
			}
		}
	}
	if got, want := s.Discovery(), []string{"F", "G", "G"}; !slices.Equal(got, want) {
		t.Errorf("Discovery = %q, want %q", got, want)
	}
}
