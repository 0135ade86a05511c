// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/conformance/suite"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// path is where a file of the manifest is.
func (p plugin) path(f manifest.File) string { return filepath.Join(p.Dir, filepath.FromSlash(f.Path)) }

// filesThere looks for every file, also of other platforms.
func (p plugin) filesThere(t *suite.T) {
	root, err := filepath.EvalSymlinks(p.Dir)
	if err != nil {
		t.Fatalf("suite", "%v", err)
	}
	for _, f := range p.Manifest.Files {
		real, err := filepath.EvalSymlinks(p.path(f))
		if err != nil {
			t.Failf("file", "%s is not there: %v", f.Path, err)
			continue
		}
		if !strings.HasPrefix(real, root+string(filepath.Separator)) {
			t.Failf("file", "%s is a link to %s, outside of the plugin's folder", f.Path, real)
		}
		if info, err := os.Stat(real); err != nil || !info.Mode().IsRegular() {
			t.Failf("file", "%s is not a file", f.Path)
		}
	}
}

// digests compares every file with the manifest.
func (p plugin) digests(t *suite.T) {
	for _, f := range p.Manifest.Files {
		got, err := digest(p.path(f))
		if err != nil {
			t.Failf("file", "%s cannot be read: %v", f.Path, err)
			continue
		}
		if got != f.Digest {
			t.Fail(suite.Problem{Class: "file", Message: f.Path + " is not the file that the manifest means", Want: f.Digest, Got: got})
		}
	}
}

func digest(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return manifest.Digest(file)
}

// executable looks whether the main files of a backend can be run.
func (p plugin) executable(t *suite.T) {
	for _, f := range p.Manifest.Files {
		if f.Role != manifest.RoleMain || strings.HasPrefix(f.Platform, "windows/") {
			continue
		}
		info, err := os.Stat(p.path(f))
		if err != nil {
			t.Failf("file", "%s cannot be read: %v", f.Path, err)
			continue
		}
		if info.Mode()&0o111 == 0 {
			t.Failf("file", "%s has mode %v, with which nobody can run it", f.Path, info.Mode())
		}
	}
}
