// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"io"
	"io/fs"
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
func (f *folder) Release(_ context.Context, id string, w Want) (*Release, error) {
	raw, err := f.manifest()
	if err != nil {
		return nil, err
	}
	r, err := newRelease(f.spec.String(), raw)
	if err != nil {
		return nil, err
	}
	if !w.fits(r) || id != "" && id != r.Manifest.ID {
		return nil, &Error{
			Problem: Absent, Source: f.spec.String(), Help: "name a source that has what is wanted",
			Message: "it has " + r.Manifest.ID + " " + r.Manifest.Version + " with digest " + r.Digest + ", and nothing else",
		}
	}
	if err := fits(r.Manifest); err != nil {
		return nil, err
	}
	r.Resolved, r.Development, r.Subject, r.Bundles = f.spec.String(), f.development, f.subject, f.bundles
	r.open = f.open
	return r, nil
}

// fits says whether a release is the one that is wanted.
func (w Want) fits(r *Release) bool {
	return (w.Version == "" || w.Version == r.Manifest.Version) && (w.Manifest == "" || w.Manifest == r.Digest)
}

// manifest reads the manifest, a bit more than the largest there may be.
func (f *folder) manifest() ([]byte, error) {
	file, err := f.file(manifest.FileName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Error{
			Problem: Broken, Source: f.spec.String(), Message: "it holds no " + manifest.FileName,
			Help: "name the folder of a plugin, an archive of one, or a mirror",
		}
	}
	if err != nil {
		return nil, unreadable(f.spec.String(), err)
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, manifest.MaxSize+1))
}

// open opens a file of the manifest.
func (f *folder) open(_ context.Context, file manifest.File) (io.ReadCloser, error) {
	opened, err := f.file(file.Path)
	if err == nil {
		return opened, nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	e := &Error{Problem: Broken, Source: f.spec.String(), Message: "its file " + file.Path + " cannot be read", Help: "tell its author", Err: err}
	if f.development {
		e.Help = "build the plugin, and run zlayer plugin seal " + f.dir
	}
	return nil, e
}

// file opens a regular file inside the folder, links that lead out of it not.
func (f *folder) file(name string) (*os.File, error) {
	root, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	name = filepath.FromSlash(name)
	info, err := root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a file")
	}
	if err != nil {
		return nil, err
	}
	return root.Open(name)
}
