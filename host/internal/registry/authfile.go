// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/credentials"
	"github.com/docker/cli/cli/config/types"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
)

// authFile is a file with credentials, to be changed. Only the entry that is
// meant changes: the file belongs to other tools too, and may say what only
// they understand.
type authFile struct {
	path string
	// config is what the file says. Empty when there is no file.
	config *configfile.ConfigFile
	// raw is all of it. Nil when there is no file.
	raw map[string]json.RawMessage
	// entries are the credentials in it.
	entries map[string]json.RawMessage
}

// readAuthFile reads a file, which need not be there.
func readAuthFile(path string) (*authFile, error) {
	f := &authFile{path: path, config: configfile.New(path), entries: map[string]json.RawMessage{}}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, &CredentialsError{err}
	}
	f.raw = map[string]json.RawMessage{}
	err = json.Unmarshal(data, &f.raw)
	if auths := f.raw["auths"]; err == nil && auths != nil {
		err = json.Unmarshal(auths, &f.entries)
	}
	if err == nil {
		f.config, err = config.LoadFromReader(bytes.NewReader(data))
	}
	if err != nil {
		return nil, &CredentialsError{fmt.Errorf("%s is not a Docker or Podman auth file: %w", path, err)}
	}
	if f.entries == nil { // "auths": null
		f.entries = map[string]json.RawMessage{}
	}
	return f, nil
}

// has says whether the file has something for a registry, or names a helper for
// just this one.
func (f *authFile) has(key string) bool {
	_, entry := f.entries[key]
	return entry || f.config.CredentialHelpers[key] != ""
}

// helper is the credential helper for a registry. Empty when there is none.
func (f *authFile) helper(key string) string {
	if own, ok := f.config.CredentialHelpers[key]; ok {
		return own
	}
	return f.config.CredentialsStore
}

// store keeps a user's password.
func (f *authFile) store(key, user, password string) error {
	if helper := f.helper(key); helper != "" {
		return credentials.NewNativeStore(&helperFile{f, map[string]types.AuthConfig{}}, helper).
			Store(types.AuthConfig{ServerAddress: key, Username: user, Password: password})
	}
	entry, err := json.Marshal(types.AuthConfig{Auth: base64.StdEncoding.EncodeToString([]byte(user + ":" + password))})
	if err != nil {
		return err
	}
	f.entries[key] = entry
	return f.save()
}

// erase forgets the entries of a registry and says whether there was one.
func (f *authFile) erase(keys []string) (had bool, err error) {
	for _, key := range keys {
		if helper := f.helper(key); helper != "" {
			known, err := f.config.GetAuthConfig(key)
			if err != nil {
				return had, err
			}
			if authenticator(known) != nil {
				had = true
				if err := credentials.NewNativeStore(&helperFile{f, map[string]types.AuthConfig{}}, helper).Erase(key); err != nil {
					return had, err
				}
			}
		}
		if _, ok := f.entries[key]; ok {
			had = true
			delete(f.entries, key)
			if err := f.save(); err != nil {
				return had, err
			}
		}
	}
	return had, nil
}

// save replaces the file, or what a link leads to.
func (f *authFile) save() error {
	all := map[string]json.RawMessage{}
	for k, v := range f.raw {
		all[k] = v
	}
	var err error
	if all["auths"], err = json.Marshal(f.entries); err != nil {
		return err
	}
	data, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	path, mode := f.path, os.FileMode(0o600)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	} else if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f.raw = all
	return atomicfile.WriteMode(path, append(data, '\n'), mode)
}

// helperFile is the file beside a credential helper: it notes that there are
// credentials, and nothing of them.
type helperFile struct {
	file  *authFile
	notes map[string]types.AuthConfig
}

// Save is called when the notes have changed.
func (h *helperFile) Save() error {
	for key := range h.notes {
		h.file.entries[key] = json.RawMessage("{}")
	}
	return h.file.save()
}

// GetAuthConfigs returns the notes.
func (h *helperFile) GetAuthConfigs() map[string]types.AuthConfig { return h.notes }

// GetFilename returns where they are.
func (h *helperFile) GetFilename() string { return h.file.path }
