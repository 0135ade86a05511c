// SPDX-License-Identifier: Apache-2.0

// Package inventory says which plugins there are and which of them may be used:
// what is on disk, by the project's lock file and the user's policy.
package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Config says where to look and what is allowed.
type Config struct {
	// DataDir is the state folder.
	DataDir string
	// BundleDir is the folder of the bundle. Empty: none.
	BundleDir string
	// PluginDirs are further folders of plugins.
	PluginDirs []string
	// LockFile is the project's lock file. Empty: none.
	LockFile string
	// Locked refuses what differs from it.
	Locked bool
	// Policy says what happens to plugins that nobody trusted has signed.
	Policy trust.Policy
	// Trust is who is trusted.
	Trust trust.Config
}

// Shelf returns the installed plugins of a state folder.
func Shelf(dataDir string) *store.Shelf { return store.OpenShelf(filepath.Join(dataDir, "plugins")) }

// Find finds the plugins. Nothing is run and nothing is written.
func Find(c Config) (*store.Set, error) {
	pins, err := pins(c)
	if err != nil {
		return nil, err
	}
	return store.Find(store.Places{
		Bundle: c.BundleDir, Shelf: Shelf(c.DataDir), Dirs: c.PluginDirs,
		Pins: pins, Admit: (&doorman{config: c}).admit,
	})
}

// pins reads the lock file.
func pins(c Config) (store.Pins, error) {
	if c.LockFile == "" {
		return store.Pins{}, nil
	}
	file, err := lockfile.Read(c.LockFile)
	if err != nil {
		return store.Pins{}, err
	}
	pins := store.Pins{File: c.LockFile, Strict: c.Locked}
	for _, e := range file.Plugins {
		pins.List = append(pins.List, store.Pin{ID: e.ID, Version: e.Version, Digest: e.Manifest})
	}
	return pins, nil
}

// doorman decides whether installed plugins may be used. Whom to trust is read
// at the first that needs it.
type doorman struct {
	config   Config
	verifier *trust.Verifier
}

// admit refuses an installed plugin without a trusted signature, where one is
// required.
func (d *doorman) admit(p *store.Plugin) error {
	if d.config.Policy != trust.Require {
		return nil
	}
	if d.verifier == nil {
		v, err := trust.Open(d.config.Trust)
		if err != nil {
			return &store.RefusedError{Message: "signatures are required, and nobody can be trusted: " + err.Error(), Help: "correct the setting"}
		}
		d.verifier = v
	}
	signature, err := Signature(d.verifier, p.Record, p.Digest)
	decision := trust.Decide(d.config.Policy, signature, err, p.Record.Development)
	if decision.Verdict == trust.Refuse {
		return &store.RefusedError{Message: decision.Message, Help: decision.Help}
	}
	return nil
}

// Signature says who signed a release, by its record. The error is a
// *trust.Error when nobody trusted did.
func Signature(v *trust.Verifier, r *store.Record, digest string) (trust.Signature, error) {
	if err := covers(r, digest); err != nil {
		return trust.Signature{}, err
	}
	var bundles [][]byte
	for _, b := range r.Bundles {
		bundles = append(bundles, b)
	}
	return v.Verify(r.ID, r.Subject, bundles)
}

// covers says whether what was signed is the release with this manifest. For an
// archive only the record says so: the archive is no longer there.
func covers(r *store.Record, digest string) error {
	if len(r.Statement) == 0 {
		return nil
	}
	got, err := manifest.Digest(bytes.NewReader(r.Statement))
	if err != nil {
		return err
	}
	var statement struct {
		Config struct {
			Digest string `json:"digest"`
		} `json:"config"`
	}
	if err := json.Unmarshal(r.Statement, &statement); err != nil {
		return fmt.Errorf("the signed manifest cannot be read: %w", err)
	}
	if got != r.Subject || statement.Config.Digest != digest {
		return &trust.Error{Problem: trust.Wrong, Reasons: []string{"what is signed is another plugin"}}
	}
	return nil
}
