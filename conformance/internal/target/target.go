// SPDX-License-Identifier: Apache-2.0

// Package target is the plugin that a run is about, and what the suite may use
// to find out.
package target

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Kind is a kind of plugin, as far as cases differ.
type Kind string

// The kinds. A backend is a container backend, a wasm backend or both.
const (
	Frontend  Kind = "frontend"
	Container Kind = "container"
	Wasm      Kind = "wasm"
)

// Target is what is tested.
type Target struct {
	// Dir is the plugin's folder, absolute.
	Dir string
	// Manifest is its manifest, as far as it could be read.
	Manifest *manifest.Manifest
	// Invalid is what is wrong with the manifest. Nil: it is valid. Else the
	// plugin is of no kind.
	Invalid error
	// Main is the path of its module or executable, absolute.
	Main string
	// Bundle is a folder of plugins with the frontends that read the build
	// files of vectors. Absolute.
	Bundle string
	// Engine is a command that runs a module, "{module}" being its path. Nil:
	// wazero.
	Engine []string
	// Environ is the user's environment, of which a backend gets what its
	// manifest lists.
	Environ []string
	// Cache is a folder that is kept between runs, for what only saves time:
	// translated modules. Absolute; empty: nothing is kept.
	Cache string
	// Work is an empty folder for everything that the suite writes. It is
	// removed after the run.
	Work string
	// Vectors are folders of further vectors, as the author has them.
	Vectors []string
}

// Open reads the plugin in a folder. That its manifest is not valid is no error;
// that it is not for this suite or this machine is one.
func Open(dir string) (*Target, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return &Target{Dir: dir, Manifest: &manifest.Manifest{}, Invalid: err}, nil
	}
	if err := m.Validate(); err != nil {
		return &Target{Dir: dir, Manifest: m, Invalid: err}, nil
	}
	if err := m.Speaks(); err != nil {
		return nil, err
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	file, ok := m.Main(platform)
	if !ok {
		return nil, fmt.Errorf("%s has no file for %s", m.ID, platform)
	}
	return &Target{Dir: dir, Manifest: m, Main: filepath.Join(dir, filepath.FromSlash(file.Path))}, nil
}

// Is reports whether the plugin is of a kind.
func (t *Target) Is(k Kind) bool {
	if t.Invalid != nil {
		return false
	}
	if t.Manifest.Kind == manifest.Frontend || t.Manifest.Capabilities == nil {
		return k == Frontend && t.Manifest.Kind == manifest.Frontend
	}
	isWasm := func(feature string) bool { return strings.HasPrefix(feature, "wasm.") }
	features := t.Manifest.Capabilities.Features
	switch k {
	case Wasm:
		return slices.ContainsFunc(features, isWasm)
	case Container:
		return len(features) == 0 || !slices.ContainsFunc(features, isWasm) || slices.ContainsFunc(features, func(f string) bool { return !isWasm(f) })
	}
	return false
}

// Declares reports whether the manifest has a feature.
func (t *Target) Declares(feature string) bool {
	return t.Manifest.Capabilities != nil && slices.Contains(t.Manifest.Capabilities.Features, feature)
}

// Env is the environment that the plugin's manifest asks for.
func (t *Target) Env() []string {
	var env []string
	for _, kv := range t.Environ {
		name, _, _ := strings.Cut(kv, "=")
		if slices.ContainsFunc(t.Manifest.Environment, func(allowed string) bool { return fits(allowed, name) }) {
			env = append(env, kv)
		}
	}
	return env
}

// fits reports whether a variable is the one that is allowed, "NAME" or
// "PREFIX*".
func fits(allowed, name string) bool {
	prefix, many := strings.CutSuffix(allowed, "*")
	return name == allowed || many && strings.HasPrefix(name, prefix)
}

// Scratch makes a new folder below Work.
func (t *Target) Scratch(name string) (string, error) {
	return os.MkdirTemp(t.Work, strings.ReplaceAll(name, "/", "-")+"-")
}
