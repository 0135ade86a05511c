// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/plugins"
)

// open returns the host, opened at the first call.
func (a *app) open() (*host.Host, error) {
	if a.host != nil {
		return a.host, nil
	}
	c, err := a.hostConfig()
	if err != nil {
		return nil, err
	}
	a.found = c
	a.host, err = host.Open(c)
	return a.host, err
}

// understand returns the host for a command whose result depends on plugins. It
// warns of plugins that are not those of the project.
func (a *app) understand() (*host.Host, error) {
	h, err := a.open()
	if err != nil {
		return nil, err
	}
	if a.found.Locked && a.found.LockFile == "" {
		return nil, &host.InputError{
			Message: "plugins must be those of " + plugins.LockName + ", and there is none here or above",
			Help:    "zlayer plugin lock writes one; --locked=ci does without",
		}
	}
	for _, text := range h.Warnings() {
		a.warn(text)
	}
	return h, nil
}

// manager returns who installs plugins.
func (a *app) manager() (*plugins.Manager, error) {
	c, err := a.hostConfig()
	if err != nil {
		return nil, err
	}
	return plugins.Open(c)
}

// managing begins a command about plugins that reports what it did.
func (a *app) managing(c *cobra.Command) (m *plugins.Manager, asJSON bool, err error) {
	if asJSON, err = wantJSON(c); err != nil {
		return nil, false, err
	}
	m, err = a.manager()
	return m, asJSON, err
}

// hostConfig is what the settings say about where things are and whom to trust.
func (a *app) hostConfig() (host.Config, error) {
	dataDir, err := a.stateFolder()
	if err != nil {
		return host.Config{}, err
	}
	work, err := os.Getwd()
	if err != nil {
		return host.Config{}, err
	}
	c := host.Config{
		DataDir:            dataDir,
		BundleDir:          bundleDir(),
		PluginDirs:         a.config.Strings("plugin-dir"),
		LockFile:           plugins.FindLock(work),
		InsecureRegistries: a.config.Strings("insecure-registry"),
		Environ:            a.Environ,
		Version:            a.Version,
		Signatures: host.Signatures{
			Policy:     a.config.String("signatures"),
			Keys:       a.config.Strings("trusted-key"),
			Identities: a.config.Strings("trusted-identity"),
			Root:       a.config.String("trusted-root"),
		},
	}
	c.Locked = a.locked(c.LockFile)
	return c, nil
}

// locked says whether plugins must be those of the lock file. In CI they must
// where there is one.
func (a *app) locked(file string) bool {
	switch a.config.String("locked") {
	case "always":
		return true
	case "ci":
		return file != "" && a.getenv("CI") == "true"
	}
	return false
}

// stateFolder returns the state folder as an absolute path.
func (a *app) stateFolder() (string, error) {
	dir := a.config.String("data-dir")
	if dir == "" {
		var err error
		if dir, err = defaultDataDir(); err != nil {
			return "", err
		}
	}
	return filepath.Abs(dir)
}

// defaultDataDir is the XDG data home's zlayer folder; for root the system's.
func defaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "zlayer"), nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/zlayer", nil
	}
	dir, err := userData()
	if err != nil {
		return "", usagef("finding the state folder: %w; set ZLAYER_DATA_DIR", err)
	}
	return filepath.Join(dir, "zlayer"), nil
}

// userData is where programs keep what is a user's: %LocalAppData% on Windows.
func userData() (string, error) {
	if runtime.GOOS == "windows" {
		return os.UserCacheDir()
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share"), err
}

// bundleDir is the folder of plugins beside the binary: plugins/, or
// ../lib/zlayer/plugins when installed under a prefix.
func bundleDir() string {
	self, err := os.Executable()
	if err != nil {
		return ""
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	dir := filepath.Dir(self)
	for _, candidate := range []string{"plugins", "../lib/zlayer/plugins"} {
		if path := filepath.Join(dir, candidate); isDir(path) {
			return path
		}
	}
	return ""
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
