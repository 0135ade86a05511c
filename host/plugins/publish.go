// SPDX-License-Identifier: Apache-2.0

package plugins

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host"
	"github.com/zlayer/zlayer/host/internal/artifact"
	"github.com/zlayer/zlayer/host/internal/atomicfile"
	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/host/internal/source"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/trust"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// PublishOptions say how a plugin is published.
type PublishOptions struct {
	// Key is a file with a private key in PEM to sign with. Empty: not signed.
	Key string
	// Password returns that of the key, when it has one. May be nil.
	Password func() ([]byte, error)
	// Replace lets a version that is published already get another content.
	Replace bool
}

// Published says what Publish published.
type Published struct {
	// ID and Version are the plugin's, Platforms those it has files for; none
	// when it runs everywhere.
	ID        string   `json:"id"`
	Version   string   `json:"version"`
	Platforms []string `json:"platforms,omitempty"`
	// Reference is what "zlayer plugin add" takes: in a registry with the
	// digest of the artifact, else the path.
	Reference string `json:"reference"`
	// Digest is that of the manifest; it pins every file.
	Digest string `json:"digest"`
	// Signed says that it is signed.
	Signed bool `json:"signed"`
}

// Publish puts a plugin into a registry, an archive or a mirror. The folders
// are those of one plugin, each sealed for another platform. A destination in
// a registry without a tag gets the version as its tag; an archive or folder
// may have other plugins already.
func (m *Manager) Publish(ctx context.Context, folders []string, destination string, o PublishOptions) (*Published, error) {
	bundle, err := merge(folders)
	if err != nil {
		return nil, err
	}
	packed, err := bundle.pack()
	if err != nil {
		return nil, explain(err, bundle.manifest.ID, "")
	}
	var signer *trust.Signer
	if o.Key != "" {
		if signer, err = trust.OpenSigner(o.Key, o.Password); err != nil {
			return nil, &host.InputError{Message: "it cannot be signed", Help: "name the file of a private key in PEM; nothing was published", Err: err}
		}
	}
	target, err := m.target(ctx, destination)
	if err != nil {
		return nil, err
	}
	defer target.close()
	out := &Published{
		ID: bundle.manifest.ID, Version: bundle.manifest.Version, Platforms: bundle.manifest.Platforms(),
		Digest: packed.Release(), Signed: signer != nil,
	}
	if out.Reference, err = target.publish(ctx, packed, signer, o.Replace); err != nil {
		return nil, target.explain(err, out.ID, destination)
	}
	return out, nil
}

// publish writes an artifact and its signature.
func (t *target) publish(ctx context.Context, a *artifact.Artifact, signer *trust.Signer, replace bool) (string, error) {
	repo, tag := t.repository(a.Manifest().ID), t.tag(a.Manifest().Version)
	if !replace {
		if err := t.unpublished(ctx, repo, a, tag); err != nil {
			return "", err
		}
	}
	if err := repo.Put(ctx, a, tag); err != nil {
		return "", err
	}
	if signer != nil {
		signature, err := signer.Sign(a.Digest())
		if err != nil {
			return "", err
		}
		if err := repo.PutBundle(ctx, a.Digest(), signature); err != nil {
			return "", err
		}
	}
	return t.reference(a), t.finish(ctx, signer)
}

// reference is what others add the artifact by. A path has no digest.
func (t *target) reference(a *artifact.Artifact) string {
	if t.layout != nil {
		return t.spec.String()
	}
	return t.spec.String() + "@" + a.Digest()
}

// unpublished refuses to give a version that others may have another content.
// A tag that is no version may move.
func (t *target) unpublished(ctx context.Context, repo artifact.Repository, a *artifact.Artifact, tag string) error {
	if !source.IsVersion(tag) {
		return nil
	}
	there, err := repo.Get(ctx, tag)
	var known *registry.Error
	if errors.As(err, &known) && known.Kind == registry.KindNotFound {
		return nil
	}
	if err != nil || there.Release() == a.Release() {
		return err
	}
	return &host.PluginError{
		ID: a.Manifest().ID, Fault: host.Refused,
		Message: fmt.Sprintf("%s has version %s already, with digest %s and not %s", t.spec, tag, there.Release(), a.Release()),
		Help:    "publish it as a new version; --replace changes the published one, which breaks every lock file that pins it",
	}
}

// pieces is a plugin in the folders of its platforms.
type pieces struct {
	manifest *manifest.Manifest
	// folders has for each file the folder it is in.
	folders map[manifest.File]string
}

// merge joins the folders of one plugin and checks every file.
func merge(folders []string) (*pieces, error) {
	p := &pieces{folders: map[manifest.File]string{}}
	var list []*manifest.Manifest
	for _, dir := range folders {
		m, err := readSealed(dir)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
		for _, f := range m.Files {
			if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(f.Path))); err == nil {
				p.folders[f] = dir
			}
		}
	}
	var err error
	if p.manifest, err = manifest.Merge(list...); err != nil {
		return nil, &host.InputError{Message: "these are not the folders of one plugin", Help: "name the folders of one version, each sealed for another platform", Err: err}
	}
	return p, p.whole()
}

// readSealed reads a manifest that must be valid, with every digest.
func readSealed(dir string) (*manifest.Manifest, error) {
	raw, err := os.ReadFile(filepath.Join(dir, manifest.FileName))
	if err != nil {
		return nil, &host.InputError{Message: dir + " is not the folder of a plugin", Help: "name a folder with a " + manifest.FileName, Err: err}
	}
	m, err := manifest.Parse(raw)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return nil, &host.InputError{Message: "the manifest in " + dir + " is not valid", Help: "zlayer plugin seal " + dir + " writes the digests", Err: err}
	}
	return m, nil
}

// whole says which file is missing or another one.
func (p *pieces) whole() error {
	for _, f := range p.manifest.Files {
		file, _, err := p.open(f)
		if err != nil {
			return &host.InputError{Message: fmt.Sprintf("%s, for %s, is in none of the folders", f.Path, cmp.Or(f.Platform, "every platform")), Help: "name the folder of each platform"}
		}
		got, err := manifest.Digest(file)
		file.Close()
		if err != nil {
			return &host.InputError{Message: f.Path + " cannot be read", Err: err}
		}
		if got != f.Digest {
			return &host.InputError{
				Message: fmt.Sprintf("%s is not the file its manifest means: expected %s, got %s", filepath.Join(p.folders[f], f.Path), f.Digest, got),
				Help:    "run zlayer plugin seal " + p.folders[f],
			}
		}
	}
	return nil
}

// open opens a file in its folder; links that lead out of it not.
func (p *pieces) open(f manifest.File) (io.ReadCloser, int64, error) {
	root, err := os.OpenRoot(p.folders[f])
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	file, err := root.Open(filepath.FromSlash(f.Path))
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func (p *pieces) pack() (*artifact.Artifact, error) {
	raw, err := manifest.Format(p.manifest)
	if err != nil {
		return nil, err
	}
	return artifact.Pack(raw, p.open)
}

// target is where plugins are published or mirrored to.
type target struct {
	spec   source.Spec
	repo   artifact.Repository // of a registry
	layout *artifact.Layout    // of a mirror
	// archive is the file that the layout becomes. Empty for a folder.
	archive string
	scratch *store.Scratch // of an archive's layout
}

// tag is the tag of a version there.
func (t *target) tag(version string) string {
	if t.spec.Tag != "" {
		return t.spec.Tag
	}
	return artifact.Tag(version)
}

// repository is where the releases of a plugin go.
func (t *target) repository(id string) artifact.Repository {
	if t.layout == nil {
		return t.repo
	}
	return t.layout.Plugin(id)
}

// finish writes the archive, with a signature beside it.
func (t *target) finish(ctx context.Context, signer *trust.Signer) error {
	if t.archive == "" {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(t.archive), ".archive-")
	if err != nil {
		return unwritable(t.archive, err)
	}
	defer os.Remove(file.Name()) // after the rename there is nothing
	defer file.Close()
	digest, err := t.write(ctx, file)
	if err != nil {
		return unwritable(t.archive, err)
	}
	if signer != nil {
		signature, err := signer.Detached(digest)
		if err != nil {
			return &host.InputError{Message: "cannot sign " + t.archive, Help: "nothing was written", Err: err}
		}
		if err := atomicfile.WriteMode(t.archive+source.SignatureSuffix, signature, 0o644); err != nil {
			return unwritable(t.archive, err)
		}
	}
	return unwritable(t.archive, os.Rename(file.Name(), t.archive))
}

// write writes the archive into a file and returns its digest.
func (t *target) write(ctx context.Context, file *os.File) (string, error) {
	sum := sha256.New()
	if err := t.layout.WriteTar(ctx, io.MultiWriter(file, sum)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), errors.Join(file.Chmod(0o644), file.Close())
}

// close ends the work with a target.
func (t *target) close() {
	if t.layout != nil {
		_ = t.layout.Close()
	}
	if t.scratch != nil {
		t.scratch.Discard()
	}
}
