// SPDX-License-Identifier: Apache-2.0

package procrun

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// DigestError says that a file of a plugin is not what its manifest says.
type DigestError struct {
	// ID is the plugin, Path the file.
	ID, Path string
	// Expected is the manifest's digest, Got the file's.
	Expected, Got string
}

// Error says what was found.
func (e *DigestError) Error() string {
	return fmt.Sprintf("%s of plugin %s has digest %s, its manifest says %s", e.Path, e.ID, e.Got, e.Expected)
}

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
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("checking plugin %s: %w", o.ID, err)
	}
	if got := "sha256:" + hex.EncodeToString(h.Sum(nil)); got != f.Digest {
		return "", &DigestError{ID: o.ID, Path: path, Expected: f.Digest, Got: got}
	}
	return path, nil
}

// Environment picks the variables that a backend is given. TMPDIR is always among them: it
// says where the user wants temporary files.
func Environment(allow, environ []string) []string {
	env := []string{}
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if name == "TMPDIR" || slices.ContainsFunc(allow, func(a string) bool { return allows(a, name) }) {
			env = append(env, kv)
		}
	}
	return env
}

// allows reports whether an entry of a manifest's environment covers a name.
func allows(entry, name string) bool {
	if prefix, ok := strings.CutSuffix(entry, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return entry == name
}
