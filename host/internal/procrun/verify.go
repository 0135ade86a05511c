// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// verifyMain checks the executable and returns its path.
func verifyMain(o Options) (string, error) {
	i := slices.IndexFunc(o.Files, isMain)
	if i < 0 {
		return "", fmt.Errorf("plugin %s has no executable for this machine", o.ID)
	}
	return verify(o, o.Files[i])
}

// verifyRest checks the files that are not the executable.
func verifyRest(o Options) error {
	var errs []error
	for _, f := range o.Files {
		if !isMain(f) {
			_, err := verify(o, f)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func isMain(f manifest.File) bool { return f.Role == manifest.RoleMain }

// verify compares a file with its digest and returns its path.
func verify(o Options, f manifest.File) (string, error) {
	path := filepath.Join(o.Dir, filepath.FromSlash(f.Path))
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("checking plugin %s: %w", o.ID, err)
	}
	defer file.Close()
	got, err := manifest.Digest(file)
	if err != nil {
		return "", fmt.Errorf("checking plugin %s: %w", o.ID, err)
	}
	if got != f.Digest {
		return "", &manifest.ChecksumError{Plugin: o.ID, Path: path, Want: f.Digest, Got: got}
	}
	return path, nil
}

// tempEnv says where temporary files go.
const tempEnv = "TMPDIR"

// Environment picks the variables that a backend is given. TMPDIR is always among them: it
// says where the user wants temporary files.
func Environment(allow, environ []string) []string {
	env := []string{}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if name == tempEnv || manifest.Passes(allow, name) {
			env = append(env, kv)
		}
	}
	return env
}
