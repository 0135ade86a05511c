// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zlayer/zlayer/host/internal/images"
	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// order is what a request asks for: a build for each of its platforms, and one
// result of them all.
type order struct {
	host    *Host
	request Request
	checked *Checked
	emit    *emitter
	builds  []*build
}

// order resolves a request for each of its platforms. An image that several need
// is fetched once, so that it is the same for all.
func (h *Host) order(ctx context.Context, r Request, checked *Checked, emit *emitter) (*order, error) {
	if r.several() && checked.Build.GetWasm() != nil {
		return nil, &InputError{Message: "a wasm module is the same for every platform, and this build is for " + r.platforms(), Help: "leave out --platform, or name one"}
	}
	o := &order{host: h, request: r, checked: checked, emit: emit}
	fetched := map[wanted]*ir.FetchedImage{}
	for _, one := range r.each() {
		b := &build{host: h, request: one, emit: emit}
		if r.several() {
			b.platform = one.Platforms[0]
			b.emit = emit.of(b.platform)
		}
		var err error
		if b.resolved, err = h.decide(ctx, one, checked, fetched, b.emit); err == nil {
			err = b.suits()
		}
		if err != nil {
			return nil, b.failed(err)
		}
		o.builds = append(o.builds, b)
	}
	o.tell()
	return o, nil
}

// tell passes on what resolving found: what it found for every platform once,
// and without one.
func (o *order) tell() {
	for i, b := range o.builds {
		for _, d := range b.resolved.Diagnostics {
			switch {
			case !o.everywhere(d):
				b.emit.diagnostics(o.checked.Files, []*diagv1.Diagnostic{d})
			case i == 0:
				o.emit.diagnostics(o.checked.Files, []*diagv1.Diagnostic{d})
			}
		}
	}
}

// everywhere says whether something was found for every platform.
func (o *order) everywhere(d *diagv1.Diagnostic) bool {
	return !slices.ContainsFunc(o.builds, func(b *build) bool {
		return !slices.ContainsFunc(b.resolved.Diagnostics, d.EqualVT)
	})
}

// prepare chooses the backend of every build and, of several, looks for what
// they read: what cannot be built for one platform is refused before anything is
// built for another.
func (o *order) prepare(ctx context.Context) (err error) {
	for _, b := range o.builds {
		if b.plugin, err = o.host.choose(ctx, b.resolved, b.request); err != nil {
			return b.failed(err)
		}
	}
	if !o.request.several() {
		return nil
	}
	for _, b := range o.builds {
		in, err := b.open()
		if err != nil {
			return b.failed(err)
		}
		in.Close()
	}
	return nil
}

// run builds for one platform after the other and joins what comes out. What
// was built stays, so that after a failure only the rest has to be.
func (o *order) run(ctx context.Context) (*Result, error) {
	var all []Result
	for _, b := range o.builds {
		started := time.Now()
		r, err := b.run(ctx)
		if err != nil {
			return nil, b.failed(err)
		}
		if o.request.several() {
			r.Platform = b.platform
			b.emit.built(r, started)
		}
		all = append(all, *r)
	}
	if !o.request.several() {
		return &all[0], nil
	}
	if o.drifted() {
		o.emit.diagnostics(nil, []*diagv1.Diagnostic{diag.Warning(nil, "changed-meanwhile",
			"files of the build context changed during the build, and the images are not of the same; build again")})
	}
	return o.join(ctx, all)
}

// drifted says whether two builds read the same files with different content.
func (o *order) drifted() bool {
	seen := map[string]string{}
	for _, b := range o.builds {
		for _, in := range b.inputsRead() {
			files := keys.Key(append([]string{in.Context}, in.Paths...)...)
			if before, ok := seen[files]; ok && before != in.Digest {
				return true
			}
			seen[files] = in.Digest
		}
	}
	return false
}

// join makes the manifest list of the results.
func (o *order) join(ctx context.Context, parts []Result) (*Result, error) {
	store, err := o.host.images()
	if err != nil {
		return nil, err
	}
	var digests []string
	for _, p := range parts {
		digests = append(digests, p.Digest)
	}
	list, err := store.Join(ctx, digests, images.Format(o.request.Format))
	if err != nil {
		return nil, imageError(err)
	}
	r := &Result{Digest: list.Digest, Backend: parts[0].Backend, Cached: true, Images: parts}
	for _, p := range parts {
		r.Cached = r.Cached && p.Cached
		if p.Backend != r.Backend {
			r.Backend = ""
		}
	}
	return r, nil
}

// suits refuses an image that would be for another platform than the one it
// has in the list: FROM can name any.
func (b *build) suits() error {
	if b.platform == "" {
		return nil
	}
	stages := b.resolved.Build.GetContainer().GetStages()
	target := stages[len(stages)-1]
	made := ir.FormatPlatform(target.GetPlatform())
	if made == b.platform {
		return nil
	}
	d := diag.Error(target.GetRange(), "platform-mismatch", fmt.Sprintf("the image for %s would be for %s", b.platform, made))
	d.Help = "leave out --platform of this FROM, and of the stage it may start from, or build for one platform"
	return &SourceError{Files: b.resolved.Checked.Files, Diagnostics: []*diagv1.Diagnostic{d}}
}

// failed says for which of several platforms something failed.
func (b *build) failed(err error) error {
	if b.platform == "" || err == nil {
		return err
	}
	return &PlatformError{Platform: b.platform, Err: err}
}
