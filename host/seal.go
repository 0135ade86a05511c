// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Seal completes the manifest of a plugin that was built for a platform,
// "os/arch"; "" is this machine's. It writes the digest of each file and, for
// the files of a backend without a platform, the platform. Files of other
// platforms stay as they are.
func Seal(dir, platform string) error {
	path := filepath.Join(dir, manifest.FileName)
	data, err := os.ReadFile(path)
	if err != nil {
		return &InputError{Message: "cannot read the manifest " + path, Help: "every plugin has one", Err: cause(err)}
	}
	m, err := manifest.Parse(data)
	if err != nil {
		return &InputError{Message: "the manifest " + path + " is not valid", Err: err}
	}
	platform = cmp.Or(platform, runtime.GOOS+"/"+runtime.GOARCH)
	for i := range m.Files {
		if err := sealFile(dir, platform, m.Kind, &m.Files[i]); err != nil {
			return err
		}
	}
	if err := m.Validate(); err != nil {
		return &InputError{Message: "the manifest " + path + " is not valid", Err: err}
	}
	if _, ok := m.Main(platform); !ok {
		return &InputError{Message: fmt.Sprintf("the manifest %s has files for other platforms, and none to run on %s", path, platform),
			Help: "begin with a copy of the manifest whose files name no platform"}
	}
	return writeManifest(path, m)
}

// sealFile completes the entry of a file, if that is for the platform.
func sealFile(dir, platform string, kind manifest.Kind, f *manifest.File) error {
	if f.Platform != "" && f.Platform != platform {
		return nil // sealed where it was built
	}
	if kind == manifest.Backend && !strings.HasSuffix(f.Path, ".wasm") {
		f.Platform = platform
	}
	file, err := os.Open(filepath.Join(dir, filepath.FromSlash(f.Path)))
	if err != nil {
		return &InputError{Message: "a file of the plugin cannot be read", Help: "build it first", Err: err}
	}
	defer file.Close()
	if f.Digest, err = manifest.Digest(file); err != nil {
		return &InputError{Message: "a file of the plugin cannot be read", Err: err}
	}
	return nil
}

func writeManifest(path string, m *manifest.Manifest) error {
	sealed, err := manifest.Format(m)
	if err == nil {
		err = atomicfile.WriteMode(path, sealed, 0o644)
	}
	if err != nil {
		return fmt.Errorf("writing manifest %s: %w", path, err)
	}
	return nil
}
