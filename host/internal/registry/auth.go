// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Credentials are read when a registry is asked, kept in memory only, and never
// part of an error or of a log.

// authFileVariable names the auth file that the user chose.
const authFileVariable = "REGISTRY_AUTH_FILE"

// authFiles are the places where Docker and Podman keep credentials.
func authFiles() []string {
	home, _ := os.UserHomeDir()
	var files []string
	add := func(dir string, elem ...string) {
		if dir != "" {
			files = append(files, filepath.Join(append([]string{dir}, elem...)...))
		}
	}
	add(os.Getenv(authFileVariable))
	if dir := os.Getenv("DOCKER_CONFIG"); dir != "" {
		add(dir, "config.json")
	} else {
		add(home, ".docker", "config.json")
	}
	add(os.Getenv("XDG_RUNTIME_DIR"), "containers", "auth.json")
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		add(dir, "containers", "auth.json")
	} else {
		add(home, ".config", "containers", "auth.json")
	}
	return files
}

// CredentialsError says that a file with credentials cannot be used.
type CredentialsError struct {
	// Err is what is the matter. It names the file.
	Err error
}

// Error says what is the matter.
func (e *CredentialsError) Error() string { return "reading registry credentials: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *CredentialsError) Unwrap() error { return e.Err }

// credentials finds who we are to a repository. The source is the file that
// says so; it is empty when none does and the answer is anonymous.
func (c *Client) credentials(repo name.Repository) (auth authn.Authenticator, source string, err error) {
	for _, file := range c.options.AuthFiles {
		auth, err := credentialsIn(file, repo)
		if err != nil {
			return nil, "", &CredentialsError{err}
		}
		if auth != nil {
			return auth, file, nil
		}
	}
	return authn.Anonymous, "", nil
}

// credentialsIn looks into one file; nil means there is no entry.
func credentialsIn(file string, repo name.Repository) (authn.Authenticator, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cf, err := config.LoadFromReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s is not a Docker or Podman auth file: %w", file, err)
	}
	auth, err := lookUp(cf, repo)
	if err != nil {
		return nil, fmt.Errorf("for %s, as %s says: %w", repo.RegistryStr(), file, err)
	}
	return auth, nil
}

// lookUp looks for an entry of the repository or one of its parents, the
// nearest first, as Podman does; then for one of the registry, which may be in
// a credential helper that the file names.
func lookUp(cf *configfile.ConfigFile, repo name.Repository) (authn.Authenticator, error) {
	registry := repo.RegistryStr()
	if registry == name.DefaultRegistry {
		registry = dockerHub
	}
	for p := repo.RepositoryStr(); p != "."; p = path.Dir(p) {
		if auth := authenticator(cf.AuthConfigs[registry+"/"+p]); auth != nil {
			return auth, nil
		}
	}
	for _, key := range authKeys(repo.Registry) {
		got, err := cf.GetAuthConfig(key)
		if err != nil {
			return nil, err
		}
		if auth := authenticator(got); auth != nil {
			return auth, nil
		}
	}
	return nil, nil
}

// authenticator returns nil for an entry that says nothing.
func authenticator(c types.AuthConfig) authn.Authenticator {
	c.ServerAddress = "" // always set by the library
	if c == (types.AuthConfig{}) {
		return nil
	}
	return authn.FromConfig(authn.AuthConfig{
		Username: c.Username, Password: c.Password, Auth: c.Auth,
		IdentityToken: c.IdentityToken, RegistryToken: c.RegistryToken,
	})
}
