// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/registry"
)

// Fetcher opens sources.
type Fetcher struct {
	client *registry.Client
	// scratch is a folder for what is downloaded and unpacked.
	scratch string
	opened  []io.Closer
}

// New returns a Fetcher. What it downloads and unpacks it keeps in the scratch
// folder, as long as its sources are used; the caller removes it.
func New(client *registry.Client, scratch string) *Fetcher {
	return &Fetcher{client: client, scratch: scratch}
}

// Close closes the sources.
func (f *Fetcher) Close() {
	for _, c := range f.opened {
		_ = c.Close()
	}
}

// Open opens a source.
func (f *Fetcher) Open(ctx context.Context, s Spec) (Source, error) {
	switch s.Kind {
	case Registry:
		repo, err := artifact.Registry(f.client, s.Location)
		if err != nil {
			return nil, err
		}
		return &repository{name: ociScheme + s.Location, spec: s, repo: repo}, nil
	case URL:
		return f.url(ctx, s)
	case File:
		return f.file(ctx, s, s.Location)
	}
	return f.folder(s, s.Location, &folder{spec: s, dir: s.Location, development: true})
}

// url downloads an archive and the signature beside it.
func (f *Fetcher) url(ctx context.Context, s Spec) (Source, error) {
	dir, err := os.MkdirTemp(f.scratch, "download-")
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(dir, "archive")
	if err := f.download(ctx, s.Location, archive); err != nil {
		return nil, err
	}
	signature, err := withSuffix(s.Location)
	if err != nil {
		return nil, err
	}
	if err := f.download(ctx, signature, archive+SignatureSuffix); err != nil && !missing(err) {
		return nil, err
	}
	return f.file(ctx, s, archive)
}

// missing says whether an error means that a file is not there. Some servers
// say of such a file that it is forbidden.
func missing(err error) bool {
	var e *registry.Error
	return errors.As(err, &e) && (e.Kind == registry.KindNotFound || e.Kind == registry.KindDenied)
}

// withSuffix is the URL of the signature of an archive.
func withSuffix(archive string) (string, error) {
	u, err := url.Parse(archive)
	if err != nil {
		return "", err
	}
	u.Path += SignatureSuffix
	u.RawPath = ""
	return u.String(), nil
}

// file unpacks an archive.
func (f *Fetcher) file(ctx context.Context, s Spec, archive string) (Source, error) {
	dir, err := os.MkdirTemp(f.scratch, "unpacked-")
	if err != nil {
		return nil, err
	}
	if err := unpack(ctx, s.String(), archive, dir); err != nil {
		return nil, err
	}
	plain := &folder{spec: s, dir: top(dir)}
	if plain.bundles, err = beside(archive); err != nil {
		return nil, err
	}
	if plain.subject, err = digestOf(archive); err != nil {
		return nil, err
	}
	return f.folder(s, plain.dir, plain)
}

// folder opens a folder: a mirror, or else a plain one.
func (f *Fetcher) folder(s Spec, dir string, plain *folder) (Source, error) {
	if _, err := os.Stat(filepath.Join(dir, "oci-layout")); err != nil {
		return plain, nil
	}
	layout, err := artifact.OpenLayout(dir)
	if err != nil {
		return nil, about(s, err)
	}
	f.opened = append(f.opened, layout)
	return newMirror(s, layout, plain)
}
