// SPDX-License-Identifier: Apache-2.0

package container

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// linked puts the plugin as it is into a folder of plugins.
func (s *section) linked(dir string) error {
	return os.Symlink(s.target.Dir, filepath.Join(dir, "plugin"))
}

// declaring puts the plugin into a folder of plugins, with a manifest that
// declares everything: it is how one learns what works and is not declared.
func (s *section) declaring(dir string) error {
	own := filepath.Join(dir, "plugin")
	if err := os.Mkdir(own, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.target.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != manifest.FileName {
			err = errors.Join(err, os.Symlink(filepath.Join(s.target.Dir, e.Name()), filepath.Join(own, e.Name())))
		}
	}
	text, formatErr := manifest.Format(everything(s.target.Manifest))
	return errors.Join(err, formatErr, os.WriteFile(filepath.Join(own, manifest.FileName), text, 0o644))
}

// everything is a manifest with all that container builds can need.
func everything(m *manifest.Manifest) *manifest.Manifest {
	all := *m
	all.Capabilities = &manifest.Capabilities{Platforms: []string{"*"}}
	for _, f := range ir.KnownFeatures() {
		if f.Resolved && !strings.HasPrefix(f.ID, "wasm.") {
			all.Capabilities.Features = append(all.Capabilities.Features, f.ID)
		}
	}
	return &all
}
