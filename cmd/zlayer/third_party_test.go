// SPDX-License-Identifier: Apache-2.0

//go:build system

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// layerfile is in a language that no plugin of the bundle knows.
const layerfile = "from scratch\nenv WORD=third\ncopy word /word\nstart /word\n"

// Plugins of others, from "plugin new" by way of a registry, do all that ours
// do, and nothing of zlayer changes for them.
func TestThirdParty(t *testing.T) {
	registry := servePlugins(t)
	author := newSandbox(t).withRust()
	author.publishNew(registry, "backend", "--kind", "container-backend")
	for name, flags := range map[string][]string{
		"go":   {"--kind", "frontend"},
		"rust": {"--kind", "frontend", "--language", "rust"},
	} {
		t.Run(name, func(t *testing.T) {
			author.publishNew(registry, name, flags...)
			thirdParty(t, registry, name)
		})
	}
}

// publishNew begins a plugin, builds it and publishes it under its name.
func (s *sandbox) publishNew(registry *pluginRegistry, name string, flags ...string) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), name)
	flags = append([]string{"plugin", "new", dir, "--id", "third.example/" + name}, flags...)
	if name != "rust" {
		flags = append(flags, "--sdk", filepath.Join(s.repo, "sdk"))
	}
	s.zlayer(flags...)
	s.make(dir)
	s.zlayer("plugin", "publish", filepath.Join(dir, "dist", name), registry.at(name))
}

// make runs make in a project, with the zlayer and the toolchains of a sandbox.
func (s *sandbox) make(dir string) {
	s.t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		s.t.Fatal(err)
	}
	// The toolchains know their caches by the home folder.
	command(s.t, dir, "env", append(s.env, "HOME="+home, "make", "ZLAYER="+filepath.Join(s.repo, "bin", "zlayer"))...)
}

func thirdParty(t *testing.T, registry *pluginRegistry, frontend string) {
	s := newSandbox(t)
	s.dir = t.TempDir()
	write(t, filepath.Join(s.dir, "Layerfile"), layerfile)
	write(t, filepath.Join(s.dir, "word"), "third")
	add := []string{"plugin", "add", "--yes", registry.at(frontend), registry.at("backend")}
	says(t, s.fails(3, "check", "Layerfile"), `no installed frontend claims the name "Layerfile"`, "zlayer plugin add")
	s.zlayer(add...)
	s.builds(frontend)
	before := s.zlayer("plugin", "list", "--format", "json")
	s.zlayer(add...)
	if diff := cmp.Diff(before, s.zlayer("plugin", "list", "--format", "json")); diff != "" {
		t.Error("adding the same twice changed something:", diff)
	}
	s.zlayer("plugin", "remove", "third.example/"+frontend)
	says(t, s.fails(3, "check", "Layerfile"), `no installed frontend claims the name "Layerfile"`, "zlayer plugin add")
}

// builds uses every command on the Layerfile.
func (s *sandbox) builds(frontend string) {
	s.t.Helper()
	s.zlayer("check", "Layerfile")
	write(s.t, filepath.Join(s.dir, "wrong.layerfile"), "from scratch\ncopi word /word\n")
	says(s.t, s.fails(3, "check", "wrong.layerfile"), "wrong.layerfile:2:1: error:", "did you mean copy?")
	says(s.t, s.zlayer("ir", "Layerfile"), `text "copy word /word"`)
	dir := filepath.Join(s.t.TempDir(), "layout")
	s.zlayer("build", "--backend", "third.example/backend", "--output", "type=oci-layout,dest="+dir, ".")
	img := openLayout(s.t, dir)
	if got := img.files["/word"].Content; got != "third" {
		s.t.Errorf("%s: /word holds %q", frontend, got)
	}
	if c := img.config.Config; strings.Join(c.Cmd, " ") != "/word" || c.Env[len(c.Env)-1] != "WORD=third" {
		s.t.Errorf("%s: config: %+v", frontend, c)
	}
}
