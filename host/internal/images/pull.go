// SPDX-License-Identifier: Apache-2.0

package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/zlayer/zlayer/host/internal/registry"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// blobTries is how often a blob is asked for when another one arrives.
const blobTries = 3

// pull fetches one image.
type pull struct {
	*registry.Session
	store    *Store
	want     *irv1.Platform
	progress *meter
}

func (s *Store) newPull(reference string, want *irv1.Platform, progress Progress) (*pull, error) {
	n, err := s.client.Dial(reference)
	if err != nil {
		return nil, err
	}
	return &pull{Session: n, store: s, want: want, progress: newMeter(progress)}, nil
}

// head returns the digest the registry gives for the reference now. Registries
// that do not answer HEAD as they should are asked with GET.
func (p *pull) head(ctx context.Context) (string, error) {
	desc, err := p.Puller().Head(ctx, p.Ref())
	if err == nil {
		return desc.Digest.String(), nil
	}
	full, err := p.Puller().Get(ctx, p.Ref())
	if err != nil {
		return "", p.Explain(ctx, err)
	}
	return full.Digest.String(), nil
}

// fetch brings the image for the platform into the store. It returns its entry
// of the index, without reference, and the digest the reference has now.
func (p *pull) fetch(ctx context.Context) (v1.Descriptor, string, error) {
	top, err := p.Puller().Get(ctx, p.Ref())
	if err != nil {
		return v1.Descriptor{}, "", p.Explain(ctx, err)
	}
	desc, declared, err := p.choose(ctx, top)
	if err != nil {
		return v1.Descriptor{}, "", p.Explain(ctx, err)
	}
	entry, err := p.keep(ctx, desc, declared)
	return entry, top.Digest.String(), p.Explain(ctx, err)
}

// config fetches and reads the configuration of an image.
func (p *pull) config(ctx context.Context, m *v1.Manifest) (*configFile, error) {
	if m.Config.Size > maxDocument {
		return nil, malformed(p.Ref().String(), "manifest", fmt.Errorf("a configuration of %d bytes is refused", m.Config.Size))
	}
	if err := p.blob(ctx, m.Config); err != nil {
		return nil, err
	}
	raw, err := p.store.readBlob(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	return parseConfig(raw)
}

// keep brings one image into the store: its manifest last, so that an image
// with a manifest is whole. What an index declares counts more than what the
// configuration says, which is often less exact.
func (p *pull) keep(ctx context.Context, d *remote.Descriptor, declared *v1.Platform) (v1.Descriptor, error) {
	manifest, err := imageManifest(p.Ref().String(), d.MediaType, d.Manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	config, err := p.config(ctx, manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if declared == nil {
		declared = config.Platform()
		if have := platformOf(declared); !suits(p.want, have) {
			return v1.Descriptor{}, wrongPlatform(p.Ref().String(), p.want, []*irv1.Platform{have})
		}
	}
	if err := p.layers(ctx, manifest); err != nil {
		return v1.Descriptor{}, err
	}
	desc, err := p.store.putBlob(d.Manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	if desc.Digest != d.Digest {
		return v1.Descriptor{}, &registry.Error{Kind: registry.KindDamaged, Reference: p.Ref().String(), Message: "the manifest changed while it was read"}
	}
	desc.MediaType, desc.Platform = d.MediaType, declared
	return desc, nil
}

// layers brings the layers of an image into the store, several at a time.
func (p *pull) layers(ctx context.Context, m *v1.Manifest) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(registry.Jobs)
	for _, l := range distinct(m.Layers) {
		group.Go(func() error { return p.blob(ctx, l) })
	}
	return group.Wait()
}

// blob brings one blob into the store, unless it is there.
func (p *pull) blob(ctx context.Context, d v1.Descriptor) error {
	if p.store.hasBlob(d) {
		p.progress.report(d.Digest.String(), d.Size, d.Size)
		return nil
	}
	for try := 1; ; try++ {
		err := p.copyBlob(ctx, d)
		var e *registry.Error
		if try == blobTries || !errors.As(err, &e) || e.Kind != registry.KindDamaged {
			return err
		}
	}
}

func (p *pull) copyBlob(ctx context.Context, d v1.Descriptor) error {
	src, err := p.Blob(ctx, d)
	if err != nil {
		return err
	}
	defer src.Close()
	w, err := p.store.newBlob()
	if err != nil {
		return err
	}
	defer w.discard()
	counted := &countingReader{src: src, name: d.Digest.String(), total: d.Size, meter: p.progress}
	if _, err := io.Copy(w, counted); err != nil {
		return err
	}
	_, err = w.commit()
	return err
}

// imageManifest reads a manifest and refuses what cannot be a base image.
func imageManifest(reference string, mt types.MediaType, raw []byte) (*v1.Manifest, error) {
	if !mt.IsImage() {
		return nil, unsupportedManifest(reference, mt)
	}
	m, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, malformed(reference, "manifest", err)
	}
	if !m.Config.MediaType.IsConfig() {
		return nil, &Error{
			Kind: KindUnsupported, Reference: reference,
			Message: fmt.Sprintf("this is not a container image: its configuration is of type %q", m.Config.MediaType),
		}
	}
	for _, l := range m.Layers {
		if !l.MediaType.IsLayer() || !l.MediaType.IsDistributable() {
			return nil, &Error{
				Kind: KindUnsupported, Reference: reference,
				Message: fmt.Sprintf("a layer is of type %q, which zlayer cannot use", l.MediaType),
				Help:    "use an image with tar layers: plain, gzip or zstd",
			}
		}
	}
	return m, nil
}

func unsupportedManifest(reference string, mt types.MediaType) error {
	e := &Error{
		Kind: KindUnsupported, Reference: reference,
		Message: fmt.Sprintf("a manifest of type %q cannot be used", mt),
		Help:    "use an image with an OCI manifest, or with Docker's of schema 2",
	}
	if mt.IsSchema1() {
		e.Message = "this is an image in Docker's old format, schema 1, which is no longer supported"
		e.Help = "pull and push it once with a tool that converts it, or use a newer image"
	}
	return e
}

func malformed(reference, what string, err error) error {
	return &Error{Kind: KindUnsupported, Reference: reference, Message: "its " + what + " is malformed", Help: "have it made and pushed again", Err: err}
}

// distinct drops repeated blobs: images do have the same layer twice.
func distinct(ds []v1.Descriptor) []v1.Descriptor {
	var out []v1.Descriptor
	for _, d := range ds {
		if !slices.ContainsFunc(out, func(o v1.Descriptor) bool { return o.Digest == d.Digest }) {
			out = append(out, d)
		}
	}
	return out
}
