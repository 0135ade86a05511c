// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// Origin says where a plugin was found.
type Origin string

// The origins.
const (
	// Bundle is the folder of plugins that came with zlayer.
	Bundle Origin = "bundle"
	// Installed is the shelf.
	Installed Origin = "installed"
	// PluginDir is a folder that the user named.
	PluginDir Origin = "plugin-dir"
)

// Plugin is a plugin on disk.
type Plugin struct {
	// ID is its id; the folder's name when the manifest cannot be read.
	ID string
	// Dir is its folder.
	Dir string
	// Origin is where it was found.
	Origin Origin
	// Manifest is what it says of itself. Nil when it cannot be read.
	Manifest *manifest.Manifest
	// Digest is that of the manifest as it is on disk, "sha256:…". It pins
	// every file of every platform. Empty when the manifest cannot be read.
	Digest string
	// Record says where an installed plugin came from. Nil for others.
	Record *Record
	// Problem says why it cannot be used. Nil when it can.
	Problem error
}

// Main returns the path and digest of what is run on this machine.
func (p *Plugin) Main() (file, digest string, err error) {
	f, ok := p.Manifest.Main(Platform())
	if !ok {
		return "", "", &PlatformError{ID: p.ID, Version: p.Manifest.Version, Platforms: p.Manifest.Platforms()}
	}
	return filepath.Join(p.Dir, filepath.FromSlash(f.Path)), f.Digest, nil
}

// Lock is the file that is locked, shared, while the plugin runs, so that it is
// not collected meanwhile. Empty for what is not on the shelf.
func (p *Plugin) Lock() string {
	if p.Origin != Installed {
		return ""
	}
	return p.Dir + lockSuffix
}

// Platform is this machine's, "os/arch".
func Platform() string { return runtime.GOOS + "/" + runtime.GOARCH }

// load reads one plugin.
func load(dir string, origin Origin) *Plugin {
	p := &Plugin{ID: filepath.Base(dir), Dir: dir, Origin: origin}
	data, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		p.Problem = fmt.Errorf("its manifest cannot be read: %w", err)
		return p
	}
	if p.Digest, err = manifest.Digest(bytes.NewReader(data)); err != nil {
		p.Problem = err
		return p
	}
	m, err := manifest.Parse(data)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		p.Problem = fmt.Errorf("its manifest is not valid: %w", err)
		return p
	}
	p.ID, p.Manifest = m.ID, m
	p.Problem = usable(p)
	return p
}

// usable says why a plugin with a good manifest cannot be used here, or nil.
func usable(p *Plugin) error {
	if err := p.Manifest.Speaks(); err != nil {
		return err
	}
	file, _, err := p.Main()
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("its file is missing: %w", err)
	}
	return nil
}

// Verify compares every file for this machine with its digest. The error is a
// *manifest.ChecksumError when one is another.
func (p *Plugin) Verify() error {
	if p.Manifest == nil {
		return p.Problem
	}
	root, err := os.OpenRoot(p.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, f := range p.Manifest.On(Platform()) {
		if err := p.verify(root, f); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plugin) verify(root *os.Root, f manifest.File) error {
	file, err := root.Open(filepath.FromSlash(f.Path))
	if err != nil {
		return fmt.Errorf("its file cannot be read: %w", err)
	}
	defer file.Close()
	got, err := manifest.Digest(file)
	if err != nil {
		return fmt.Errorf("its file %s cannot be read: %w", f.Path, err)
	}
	if got != f.Digest {
		return &manifest.ChecksumError{Plugin: p.ID, Path: filepath.Join(p.Dir, f.Path), Want: f.Digest, Got: got}
	}
	return nil
}

// RawManifest returns the bytes of the manifest.
func (p *Plugin) RawManifest() ([]byte, error) {
	return os.ReadFile(filepath.Join(p.Dir, manifest.FileName))
}
