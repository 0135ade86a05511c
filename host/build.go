// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/ir/digest"
)

// Build builds what a build file says, keeps the result in the image store
// and writes it to the request's outputs. Mistakes in the file are a
// *SourceError, a failed step is a *StepError, and a build that no backend can
// do an *UnsupportedError. Of several platforms each is resolved and has a
// backend before any is built; an error about one is in a *PlatformError, and
// then nothing is named or written. When ctx ends, everything of the build is
// gone before Build returns.
func (h *Host) Build(ctx context.Context, r Request) (*Result, error) {
	r, err := r.normal()
	if err != nil {
		return nil, err
	}
	if err := h.checkRequest(r); err != nil {
		return nil, err
	}
	f, checked, err := h.read(ctx, r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	release, err := h.holdImages(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	o, err := h.order(ctx, f.Request, checked, f.emit)
	if err != nil {
		return nil, err
	}
	if err := o.prepare(ctx); err != nil {
		return nil, err
	}
	result, err := o.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := o.deliver(ctx, result); err != nil {
		return nil, err
	}
	f.emit.result(result)
	return result, nil
}

// build is the build for one platform on its way from resolved IR to result.
type build struct {
	host    *Host
	request Request
	// platform is its platform, when the order has several.
	platform string
	resolved *Resolved
	plugin   *store.Plugin
	emit     *emitter
	// read is what it reads of its contexts, once they were opened.
	read []keys.Input
}

// run returns the remembered result of an equal build, or builds.
func (b *build) run(ctx context.Context) (*Result, error) {
	inputs, err := b.open()
	if err != nil {
		return nil, err
	}
	defer inputs.Close()
	key := b.key()
	if record := b.host.keys.Get(key); record != nil && !b.request.NoCache && b.current(ctx, record) {
		return &Result{Digest: record.Result, Backend: record.Backend, Cached: true}, nil
	}
	b.emit.plan(b.plugin.ID, b.resolved.Build)
	record, err := b.execute(ctx, inputs)
	if err != nil {
		return nil, err
	}
	record.Inputs = b.read
	if err := b.remember(key, inputs, record); err != nil {
		return nil, err
	}
	return &Result{Digest: record.Result, Backend: record.Backend}, nil
}

// open opens the contexts and looks at all that the build reads of them.
func (b *build) open() (*inputs, error) {
	in, err := openInputs(b)
	if err != nil {
		return nil, err
	}
	if b.read, err = in.digests(b.resolved.Checked.Files); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

// remember keeps the record of a build, unless files changed while it ran:
// then nobody knows which of them are in the result.
func (b *build) remember(key string, inputs *inputs, record *keys.Record) error {
	if err := b.host.keys.Note(record.Artifact()); err != nil {
		return stateError(err)
	}
	now, err := inputs.digests(b.resolved.Checked.Files)
	if err != nil || !slices.EqualFunc(now, record.Inputs, keys.Input.Equal) {
		b.emit.diagnostics(b.resolved.Checked.Files, []*diagv1.Diagnostic{diag.Warning(nil, "changed-meanwhile",
			"files of the build context changed during the build; the next build starts over")})
		return nil
	}
	if err := b.host.keys.Put(key, record); err != nil {
		return stateError(err)
	}
	return nil
}

// key names the build by all that decides its result, but for what it reads.
func (b *build) key() string {
	epoch := ""
	if b.request.SourceDateEpoch != nil {
		epoch = strconv.FormatInt(*b.request.SourceDateEpoch, 10)
	}
	parts := []string{"1", digest.Resolved(b.resolved.Build), string(b.request.Format), epoch, b.plugin.ID}
	for _, f := range b.plugin.Manifest.Files {
		parts = append(parts, f.Digest)
	}
	return keys.Key(parts...)
}

// current says whether everything a build read is as it was, and its result
// still there.
func (b *build) current(ctx context.Context, record *keys.Record) bool {
	store, err := b.host.images()
	return err == nil && store.Has(record.Result) && slices.EqualFunc(b.read, record.Inputs, keys.Input.Equal) &&
		b.host.sameReads(ctx, b.plugin, record.Reads, b.emit)
}

// execute runs the backend and puts the result into the image store. What it
// returns lacks the inputs.
func (b *build) execute(ctx context.Context, inputs *inputs) (*keys.Record, error) {
	j := newJob(b.resolved, b.request.Context.Folder, b.emit)
	dir, err := b.host.newJobDir(b.plugin.ID)
	if err != nil {
		return nil, err
	}
	start, run, err := b.start(ctx, inputs, dir)
	if err != nil {
		dir.remove()
		return nil, err
	}
	defer b.host.endJob(ctx, b.plugin, run, dir)
	artifact, err := b.call(ctx, run, start, j)
	if err != nil {
		return nil, err
	}
	image, err := b.keep(ctx, run, artifact, dir.exports())
	if err != nil {
		return nil, err
	}
	return &keys.Record{Backend: b.plugin.ID, Reads: j.reads, Result: image.Digest, Handle: artifact.GetHandle()}, nil
}

// keep fetches what the image store lacks of an artifact and makes the image.
// The blobs come into dir.
func (b *build) keep(ctx context.Context, run *running, artifact *backendv1.Artifact, dir string) (*images.Image, error) {
	store, err := b.host.images()
	if err != nil {
		return nil, err
	}
	if b.resolved.Build.GetWasm() != nil {
		return b.keepModule(ctx, run, artifact, store, dir)
	}
	var digests []string
	for _, blob := range artifact.GetBlobs() {
		digests = append(digests, blob.GetDigest())
	}
	lacking, err := store.Lacking(digests, b.request.SourceDateEpoch)
	if err != nil {
		return nil, artifactError(b.plugin.ID, err)
	}
	if err := run.export(ctx, artifact.GetHandle(), lacking, dir); err != nil {
		return nil, err
	}
	image, err := store.Assemble(ctx, images.Build{
		Container: b.resolved.Build.GetContainer(), Blobs: artifact.GetBlobs(), Dir: dir,
		Epoch: b.request.SourceDateEpoch, Format: images.Format(b.request.Format),
	})
	if err != nil {
		return nil, artifactError(b.plugin.ID, err)
	}
	return image, nil
}

// keepModule makes the OCI artifact of a wasm module.
func (b *build) keepModule(ctx context.Context, run *running, artifact *backendv1.Artifact, store *images.Store, dir string) (*images.Image, error) {
	if len(artifact.GetBlobs()) != 1 {
		return nil, &PluginError{ID: b.plugin.ID, Message: fmt.Sprintf("it made %d modules where one was asked for", len(artifact.GetBlobs())), Help: reinstall(b.plugin)}
	}
	blob := artifact.GetBlobs()[0]
	if err := run.export(ctx, artifact.GetHandle(), []string{blob.GetDigest()}, dir); err != nil {
		return nil, err
	}
	wasm := b.resolved.Build.GetWasm()
	image, err := store.WasmArtifact(ctx, images.Module{
		Path: filepath.Join(dir, hexOf(blob.GetDigest())), Blob: blob, Labels: wasm.GetLabels(), Epoch: b.request.SourceDateEpoch,
	})
	if err != nil {
		return nil, artifactError(b.plugin.ID, err)
	}
	return image, nil
}
