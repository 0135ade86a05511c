// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/sdk/manifest"
)

// folder is a plain folder with one plugin.
type folder struct {
	spec Spec
	dir  string
	// development is set for a folder on this machine, and not for an archive.
	development bool
	// subject and bundles are those of the archive.
	subject string
	bundles [][]byte
}

var _ Source = (*folder)(nil)

// IDs implements Source.
func (f *folder) IDs() []string { return nil }

// Release implements Source.
func (f *folder) Release(_ context.Context, _ string, w Want) (*Release, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, &Error{Problem: Absent, Source: f.spec.String(), Message: "it cannot be read", Err: err}
	}
	defer root.Close()
	raw, err := root.ReadFile(manifest.FileName)
	if err != nil {
		return nil, &Error{
			Problem: Broken, Source: f.spec.String(), Message: "it holds no " + manifest.FileName, Err: err,
			Help: "name the folder of a plugin, an archive of one, or a mirror",
		}
	}
	r, err := newRelease(f.spec.String(), raw)
	if err != nil {
		return nil, err
	}
	if (w.Version != "" && w.Version != r.Manifest.Version) || (w.Manifest != "" && w.Manifest != r.Digest) {
		return nil, &Error{Problem: Absent, Source: f.spec.String(), Message: "it has version " + r.Manifest.Version + " with digest " + r.Digest + ", and another one is wanted"}
	}
	if err := r.Manifest.Speaks(); err != nil {
		return nil, err
	}
	r.Resolved, r.Development, r.Subject, r.Bundles = f.spec.String(), f.development, f.subject, f.bundles
	r.open = f.open
	return r, nil
}

// open opens a file inside the folder, links that lead out of it not.
func (f *folder) open(_ context.Context, file manifest.File) (io.ReadCloser, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	opened, err := root.Open(filepath.FromSlash(file.Path))
	if err != nil {
		return nil, &Error{Problem: Broken, Source: f.spec.String(), Message: "a file of its manifest cannot be read", Help: "build the plugin, and run zlayer plugin seal", Err: err}
	}
	return opened, nil
}
