// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/image"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// inputs are the contexts and images of a build. Each is opened when a step
// first needs it.
type inputs struct {
	scratch  *point
	contexts []*source
	images   []*point

	mu sync.Mutex
	// fetched are folders of fetched sources, to be closed.
	fetched []*buildctx.Context
}

// source is a build context.
type source struct {
	*backendv1.Context
	memo string

	once  sync.Once
	open  *buildctx.Context
	known *buildctx.Memo
	err   error
}

func newInputs(b Build) *inputs {
	in := &inputs{scratch: scratch()}
	for _, c := range b.Start.Contexts {
		in.contexts = append(in.contexts, &source{Context: c, memo: b.State.Memo(c.Path)})
	}
	for _, i := range b.Start.Build.GetContainer().GetImages() {
		in.images = append(in.images, base(b, i))
	}
	return in
}

// base is the point where an image ends.
func base(b Build, i *irv1.Image) *point {
	return &point{id: i.Digest, load: func() (driver.Chain, error) {
		img, err := image.Read(b.Start.ImagesDir, i.Digest, b.State.Layers)
		if err != nil {
			return driver.Chain{}, fmt.Errorf("reading image %q: %w", i.Reference, err)
		}
		return driver.Chain{Tree: img.Tree, Layers: img.Layers}, nil
	}}
}

func (in *inputs) image(n uint32) (*point, error) {
	if int(n) >= len(in.images) {
		return nil, fmt.Errorf("the build has no image %d", n)
	}
	return in.images[n], nil
}

// context opens a build context.
func (in *inputs) context(n uint32) (*buildctx.Context, error) {
	if int(n) >= len(in.contexts) {
		return nil, fmt.Errorf("the build has no context %d", n)
	}
	s := in.contexts[n]
	s.once.Do(s.load)
	return s.open, s.err
}

func (s *source) load() {
	var ignore *buildctx.Ignore
	if len(s.Ignore) > 0 {
		if ignore, s.err = buildctx.NewIgnore(s.Ignore); s.err != nil {
			s.err = backend.Sourcef(nil, "the ignore file: %v", s.err)
			return
		}
	}
	s.known = buildctx.LoadMemo(s.memo)
	if s.open, s.err = buildctx.Open(s.Path, buildctx.Options{Ignore: ignore, Memo: s.known}); s.err != nil {
		s.err = backend.Sourcef(nil, "%v", s.err)
	}
}

// close closes the contexts and keeps what was learned about their files. A
// memo that cannot be written costs time, nothing else.
func (in *inputs) close() error {
	var errs []error
	for _, s := range in.contexts {
		if s.open != nil {
			_ = s.known.Save()
			errs = append(errs, s.open.Close())
		}
	}
	for _, c := range in.fetched {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// keep closes a folder of a fetched source with the others.
func (in *inputs) keep(c *buildctx.Context) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fetched = append(in.fetched, c)
}

// isContext tells files of the user from those of images.
func isContext(in *irv1.Input) bool { return in.GetKind() == irv1.InputKind_INPUT_KIND_CONTEXT }

// isTree says whether an input is a stage, an image or scratch.
func isTree(in *irv1.Input) bool { return in != nil && !isContext(in) }

// view is a chain as transfers see it.
func view(c driver.Chain) transfer.Image {
	return transfer.Image{Tree: c.Tree, Content: func(n *tree.Node) (io.ReadCloser, error) {
		i := slices.IndexFunc(c.Layers, func(s layer.Source) bool { return s.Digest == n.Content.Layer })
		if i < 0 {
			return nil, fmt.Errorf("layer %s: %w", n.Content.Layer, fs.ErrNotExist)
		}
		return c.Layers[i].Open(n)
	}}
}

// files are those of an input that was waited for.
func (w *work) files(ctx context.Context, in *irv1.Input) (transfer.Files, error) {
	if isContext(in) {
		c, err := w.inputs.context(in.Index)
		if err != nil {
			return nil, err
		}
		return transfer.Context(c), nil
	}
	p, err := w.point(ctx, in)
	if err != nil {
		return nil, err
	}
	c, err := p.tree(ctx)
	return view(c), err
}

// keyOf adds what a step reads of an input: of a context always the files that
// read digests; of a tree these, or roughly all of it.
func (w *work) keyOf(ctx context.Context, k *key, in *irv1.Input, exact bool, read func(transfer.Files) (string, error)) error {
	if isTree(in) && !exact {
		p, err := w.point(ctx, in)
		if err == nil {
			k.add("tree", p.id)
		}
		return err
	}
	f, err := w.files(ctx, in)
	if err != nil {
		return err
	}
	digest, err := await(ctx, func() (string, error) { return read(f) })
	k.add("files", in.Kind.String(), digest)
	return err
}
