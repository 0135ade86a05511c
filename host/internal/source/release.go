// SPDX-License-Identifier: Apache-2.0

// Package source finds releases of plugins where users say they are: in
// registries, behind URLs, in archives, folders and mirrors. What it returns is
// read, not run, and nothing is installed.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Release is one version of a plugin, as a source offers it.
type Release struct {
	// Manifest is the plugin's manifest, Raw its bytes and Digest theirs,
	// which pins every file of every platform.
	Manifest *manifest.Manifest
	Raw      []byte
	Digest   string
	// Source is what the user named, Resolved where exactly the release is.
	Source, Resolved string
	// Development says that it is a plain folder on this machine.
	Development bool
	// Subject is the digest that signatures are over, Statement the OCI
	// manifest with that digest, and Bundles are the signatures. For an
	// archive with a signature beside it, there is no statement.
	Subject   string
	Statement []byte
	Bundles   [][]byte
	// Notes are what the user should know: versions that were passed over.
	Notes []string

	open     func(context.Context, manifest.File) (io.ReadCloser, error)
	artifact *artifact.Artifact // nil for a plain folder
}

// Open opens a file of the release, of any platform that the source has. What
// it reads is not checked.
func (r *Release) Open(ctx context.Context, f manifest.File) (io.ReadCloser, error) {
	return r.open(ctx, f)
}

// CopyTo writes the release, with the files of every platform and its
// signatures, to a repository.
func (r *Release) CopyTo(ctx context.Context, to artifact.Repository) error {
	a := r.artifact
	if a == nil {
		var err error
		if a, err = artifact.Pack(r.Raw, r.sized(ctx)); err != nil {
			return err
		}
	}
	if err := to.Put(ctx, a, artifact.Tag(r.Manifest.Version)); err != nil {
		return err
	}
	if a.Digest() != r.Subject {
		return nil // what is signed is an archive, and stays behind
	}
	for _, bundle := range r.Bundles {
		if err := to.PutBundle(ctx, a.Digest(), bundle); err != nil {
			return err
		}
	}
	return nil
}

// sized opens files of a plain folder with their sizes.
func (r *Release) sized(ctx context.Context) func(manifest.File) (io.ReadCloser, int64, error) {
	return func(f manifest.File) (io.ReadCloser, int64, error) {
		file, err := r.open(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		stat, ok := file.(fs.File)
		if !ok {
			return file, 0, fmt.Errorf("the size of %s is not known", f.Path)
		}
		info, err := stat.Stat()
		if err != nil {
			return file, 0, err
		}
		return file, info.Size(), nil
	}
}

// newRelease reads a manifest.
func newRelease(source string, raw []byte) (*Release, error) {
	m, err := manifest.Parse(raw)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		e := &Error{Problem: Broken, Source: source, Message: "its manifest is not valid", Help: "correct it, or report this to the plugin's author", Err: err}
		var newer *manifest.SchemaError
		if errors.As(err, &newer) && newer.Schema > manifest.Schema {
			e.Help = "update zlayer, or use an older version of the plugin"
		}
		return nil, e
	}
	digest, err := manifest.Digest(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return &Release{Manifest: m, Raw: raw, Digest: digest, Source: source}, nil
}

// Want says which release of a plugin is wanted. The zero value is the newest
// that this host can use.
type Want struct {
	// Version is a version, or, in a registry, any tag.
	Version string
	// Digest is that of the OCI manifest.
	Digest string
	// Manifest is the digest of the plugin's manifest, as a lock file has it.
	Manifest string
}

// Source is somewhere releases come from.
type Source interface {
	// IDs lists the plugins of a source that may have several. For one that
	// has one it is nil.
	IDs() []string
	// Release finds a release of a plugin; the id is "" where there is one.
	// The error is an *Error, a *manifest.VersionError when this host cannot
	// use what there is, or that of ctx.
	Release(ctx context.Context, id string, w Want) (*Release, error)
}
