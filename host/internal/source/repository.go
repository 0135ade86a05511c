// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/version"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// repository is the versions of one plugin: in a registry, or in a mirror.
type repository struct {
	// name is the source as it is shown, without tag.
	name string
	spec Spec
	repo artifact.Repository
}

var _ Source = (*repository)(nil)

// IDs implements Source.
func (r *repository) IDs() []string { return nil }

// Release implements Source. What the want does not say, the source says.
func (r *repository) Release(ctx context.Context, _ string, w Want) (*Release, error) {
	switch {
	case w.Digest != "":
		return r.usable(ctx, w.Digest)
	case w.Manifest != "":
		return r.byManifest(ctx, w.Manifest)
	case w.Version != "":
		return r.tagged(ctx, artifact.Tag(w.Version))
	case r.spec.Digest != "":
		return r.usable(ctx, r.spec.Digest)
	case r.spec.Tag != "":
		return r.tagged(ctx, r.spec.Tag)
	}
	return r.newest(ctx)
}

// get reads a release by tag or digest, without regard to whether this host can
// use it.
func (r *repository) get(ctx context.Context, tagOrDigest string) (*Release, error) {
	a, err := r.repo.Get(ctx, tagOrDigest)
	if err != nil {
		return nil, err
	}
	return &Release{
		Manifest: a.Manifest(), Raw: a.Plugin(), Digest: a.Release(),
		Source: r.spec.String(), Resolved: r.name + "@" + a.Digest(),
		Subject: a.Digest(), Statement: a.Raw(), artifact: a,
		open: func(ctx context.Context, f manifest.File) (io.ReadCloser, error) {
			file, err := a.Open(ctx, f.Digest)
			return named{file, r.name, f}, damaged(r.name, f, err)
		},
	}, nil
}

// usable reads a release that this host must be able to use, with its
// signatures.
func (r *repository) usable(ctx context.Context, tagOrDigest string) (*Release, error) {
	rel, err := r.get(ctx, tagOrDigest)
	if err != nil {
		return nil, err
	}
	if err := fits(rel.Manifest); err != nil {
		return nil, err
	}
	rel.Bundles, err = r.repo.Bundles(ctx, rel.Subject)
	return rel, err
}

// fits says why this host cannot use a plugin, or nil.
func fits(m *manifest.Manifest) error {
	if err := m.Speaks(); err != nil {
		return err
	}
	if _, ok := m.Main(store.Platform()); !ok {
		return &store.PlatformError{ID: m.ID, Version: m.Version, Platforms: m.Platforms()}
	}
	return nil
}

// tagged reads the release of a tag. When this host cannot use it, the error
// says which one it can.
func (r *repository) tagged(ctx context.Context, tag string) (*Release, error) {
	rel, err := r.usable(ctx, tag)
	switch {
	case unfit(err):
		if other, otherErr := r.newest(ctx); otherErr == nil {
			instead(err, other.Manifest.Version)
		}
	case absent(err):
		if versions, listErr := r.versions(ctx); listErr == nil && len(versions) > 0 {
			return nil, &Error{Problem: Absent, Source: r.name, Message: "it has nothing by the tag " + tag, Help: "name one of its versions: " + r.known(versions)}
		}
	}
	return rel, err
}

// absent says whether an error is that there is nothing by a name.
func absent(err error) bool {
	var e *registry.Error
	return errors.As(err, &e) && e.Kind == registry.KindNotFound
}

// byManifest looks for the release with a digest of its manifest.
func (r *repository) byManifest(ctx context.Context, digest string) (*Release, error) {
	versions, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	var unread error
	for _, tag := range versions {
		rel, err := r.get(ctx, tag)
		if err == nil && rel.Digest == digest {
			return r.usable(ctx, rel.Subject)
		}
		if unread == nil {
			unread = err
		}
	}
	if unread != nil {
		return nil, unread
	}
	return nil, &Error{
		Problem: Absent, Source: r.name, Message: "it has no release whose manifest has digest " + digest,
		Help: "it has versions " + r.known(versions),
	}
}

// known names versions by their tags, not too many of them.
func (r *repository) known(tags []string) string {
	const most = 10
	var list []string
	for _, tag := range tags[:min(len(tags), most)] {
		list = append(list, versionOf(tag))
	}
	if len(tags) > most {
		list = append(list, "…")
	}
	return strings.Join(list, ", ")
}

// maxTried bounds how many versions are looked at for one that fits.
const maxTried = 30

// newest reads the newest release that this host can use. Prereleases only
// count where there is nothing else.
func (r *repository) newest(ctx context.Context) (*Release, error) {
	versions, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	if len(versions) == 0 {
		return nil, &Error{Problem: Absent, Source: r.name, Message: "it has no tag that is a version", Help: "name a tag: " + r.name + ":TAG"}
	}
	var notes []string
	var first error
	for _, tag := range versions[:min(len(versions), maxTried)] {
		rel, err := r.usable(ctx, tag)
		if err == nil {
			rel.Notes = notes
			return rel, nil
		}
		if !unfit(err) {
			return nil, err
		}
		if first == nil {
			first = err
		}
		notes = append(notes, fmt.Sprintf("version %s was passed over: %v", versionOf(tag), err))
	}
	return nil, first
}

// versions lists the tags that are versions, the newest first, prereleases
// last.
func (r *repository) versions(ctx context.Context) ([]string, error) {
	tags, err := r.repo.Tags(ctx)
	if err != nil {
		return nil, err
	}
	tags = slices.DeleteFunc(tags, func(tag string) bool { return !IsVersion(tag) })
	slices.SortFunc(tags, func(a, b string) int { return newer(versionOf(a), versionOf(b)) })
	return tags, nil
}

// IsVersion says whether a tag is a version, which nobody should move.
func IsVersion(tag string) bool { return manifest.ValidVersion(versionOf(tag)) }

// versionOf is the version that a tag means; some write a "v" before it.
func versionOf(tag string) string { return strings.TrimPrefix(artifact.Version(tag), "v") }

// newer orders versions, the newest first, prereleases last.
func newer(a, b string) int {
	switch pa, pb := version.Prerelease(a), version.Prerelease(b); {
	case pa && !pb:
		return 1
	case pb && !pa:
		return -1
	}
	return version.Compare(b, a)
}
