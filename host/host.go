// SPDX-License-Identifier: Apache-2.0

// Package host builds: it finds plugins, has frontends understand build files,
// fetches images, chooses a backend, runs it, and keeps the results. The
// zlayer command is a thin layer over it.
//
// A Host holds no lock and runs nothing between calls; several may use one
// state folder at once, in one process or many.
package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/inventory"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/host/internal/lockfile"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/host/internal/wasmrun"
)

// Config says where a Host finds things.
type Config struct {
	// DataDir is the state folder. It is created when something is written.
	DataDir string
	// BundleDir is the folder of plugins that came with zlayer. Empty: none.
	BundleDir string
	// PluginDirs are further folders of plugins. A plugin there wins over one
	// of the same id in the state folder, and that one over the bundle.
	PluginDirs []string
	// LockFile is the project's lock file, zlayer.lock. Empty: there is none.
	LockFile string
	// Locked refuses to use plugins that differ from the lock file.
	Locked bool
	// Signatures say what is demanded of installed plugins.
	Signatures Signatures
	// InsecureRegistries are registries reached over http, or over https with
	// a certificate that nobody vouches for.
	InsecureRegistries []string
	// Environ is the environment that backends get their declared variables
	// from, as from os.Environ.
	Environ []string
	// Version is the version of the program, for messages.
	Version string
}

// Signatures says which installed plugins may be used, by who signed them. The
// zero value is the policy off.
type Signatures struct {
	// Policy is "off", "warn" or "require"; empty is "off". Plugins of the
	// bundle, of PluginDirs, and those installed from a plain folder are used
	// in any case.
	Policy string
	// Keys are files of public keys in PEM, each perhaps for some ids only:
	// "example.com/*=/keys/them.pem".
	Keys []string
	// Identities are holders of short-lived certificates:
	// "issuer=URL,subject=NAME" or "issuer=URL,subject-regexp=REGEXP".
	Identities []string
	// Root is a file trusted_root.json, which Identities need.
	Root string
}

// Host does zlayer's work. Its methods may be called concurrently.
type Host struct {
	config  Config
	plugins *store.Set
	keys    keys.Store

	mu      sync.Mutex
	runner  *wasmrun.Runner            // opened at the first check
	modules map[string]*wasmrun.Module // by path and digest
	store   *images.Store              // opened at the first need of an image
}

// Open returns a Host. It finds the plugins and runs none.
func Open(c Config) (*Host, error) {
	if c.DataDir == "" {
		return nil, &InputError{Message: "the state folder is not set", Help: "set ZLAYER_DATA_DIR or --data-dir"}
	}
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		return nil, fmt.Errorf("finding the state folder: %w", err)
	}
	c.DataDir = dir
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, &InputError{Message: "the state folder " + dir + " is not a folder", Help: "choose another with --data-dir or ZLAYER_DATA_DIR"}
	}
	plugins, err := findPlugins(c)
	if err != nil {
		return nil, err
	}
	return &Host{config: c, plugins: plugins, keys: keys.Open(filepath.Join(dir, "keys")), modules: map[string]*wasmrun.Module{}}, nil
}

// findPlugins finds the plugins, by lock file and policy.
func findPlugins(c Config) (*store.Set, error) {
	inv, err := c.inventory()
	if err != nil {
		return nil, err
	}
	plugins, err := inventory.Find(inv)
	var (
		lock *lockfile.Error
		list *store.IndexError
	)
	switch {
	case errors.As(err, &lock):
		return nil, &InputError{Message: "the lock file cannot be used", Help: lock.Help, Err: err}
	case errors.As(err, &list):
		return nil, &InputError{Message: list.Message, Help: list.Help, Err: list.Err}
	case err != nil:
		return nil, &PluginError{Message: "cannot look for plugins", Help: "check --plugin-dir and ZLAYER_PLUGIN_DIR, and that the state folder holds folders", Err: err}
	}
	return plugins, nil
}

// inventory is what the settings say about plugins.
func (c Config) inventory() (inventory.Config, error) {
	policy := trust.Off
	if c.Signatures.Policy != "" {
		var err error
		if policy, err = trust.ParsePolicy(c.Signatures.Policy); err != nil {
			return inventory.Config{}, &InputError{Message: "the signature policy cannot be used", Err: err}
		}
	}
	return inventory.Config{
		DataDir: c.DataDir, BundleDir: c.BundleDir, PluginDirs: c.PluginDirs, LockFile: c.LockFile, Locked: c.Locked, Policy: policy,
		Trust: trust.Config{Keys: c.Signatures.Keys, Identities: c.Signatures.Identities, Root: c.Signatures.Root},
	}, nil
}

// Close frees what the Host holds. It does not end calls that still run.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, m := range h.modules {
		errs = append(errs, m.Close())
	}
	if h.runner != nil {
		errs = append(errs, h.runner.Close())
	}
	h.modules, h.runner = map[string]*wasmrun.Module{}, nil
	return errors.Join(errs...)
}

// path returns a path in the state folder.
func (h *Host) path(elem ...string) string {
	return filepath.Join(append([]string{h.config.DataDir}, elem...)...)
}

// images returns the image store, opened at the first call.
func (h *Host) images() (*images.Store, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.store != nil {
		return h.store, nil
	}
	s, err := images.Open(h.path("images"), registry.New(registry.Options{Insecure: h.config.InsecureRegistries}))
	if err != nil {
		return nil, stateError(err)
	}
	h.store = s
	return s, nil
}

// wasm returns the runner of frontends, opened at the first call. The lock is
// held.
func (h *Host) wasm() (*wasmrun.Runner, error) {
	if h.runner != nil {
		return h.runner, nil
	}
	r, err := wasmrun.Open(h.path("wasm"), wasmrun.Limits{})
	if err != nil {
		return nil, stateError(err)
	}
	h.runner = r
	return r, nil
}

// stateError explains a state folder that cannot be used.
func stateError(err error) error {
	return &InputError{Message: "the state folder cannot be used", Help: "check its permissions and the free space, or choose another with --data-dir", Err: err}
}

// makeDir creates a folder of the state.
func (h *Host) makeDir(elem ...string) (string, error) {
	dir := h.path(elem...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", stateError(err)
	}
	return dir, nil
}
