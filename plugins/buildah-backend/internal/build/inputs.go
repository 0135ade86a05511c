// SPDX-License-Identifier: Apache-2.0

package build

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/files"
	"github.com/zlayer/zlayer/plugins/buildah-backend/internal/layers"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// inputs are the contexts and images of a build.
type inputs struct {
	build    Build
	contexts []*files.Tree
	images   []*layers.Image
	// waiting are images whose layers may not be in the store, by their
	// highest one.
	waiting map[string]*layers.Image
}

func newInputs(b Build, c *irv1.ResolvedContainer) (*inputs, error) {
	in := &inputs{build: b, waiting: map[string]*layers.Image{}, contexts: make([]*files.Tree, len(b.Start.Contexts))}
	for _, i := range c.Images {
		image, err := layers.ReadImage(b.Start.ImagesDir, i.Digest)
		if err != nil {
			return nil, fmt.Errorf("reading image %q: %w", i.Reference, err)
		}
		in.images = append(in.images, image)
		if top := image.Top(); top != "" {
			in.waiting[top] = image
		}
	}
	return in, nil
}

func (in *inputs) close() {
	for _, t := range in.contexts {
		if t != nil {
			t.Close()
		}
	}
}

func (in *inputs) imageTop(n uint32) (string, error) {
	if int(n) >= len(in.images) {
		return "", fmt.Errorf("the build has no image %d", n)
	}
	return in.images[n].Top(), nil
}

// need makes sure that a layer is in the store.
func (in *inputs) need(layer string) error {
	image := in.waiting[layer]
	if image == nil {
		return nil
	}
	if err := in.build.Store.Import(image); err != nil {
		return err
	}
	delete(in.waiting, layer)
	return nil
}

// context opens a build context.
func (in *inputs) context(n uint32) (*files.Tree, error) {
	if int(n) >= len(in.contexts) {
		return nil, fmt.Errorf("the build has no context %d", n)
	}
	if in.contexts[n] == nil {
		c := in.build.Start.Contexts[n]
		ignore, err := buildctx.NewIgnore(c.Ignore)
		if err != nil {
			return nil, backend.Sourcef(nil, "the ignore file: %v", err)
		}
		if len(c.Ignore) == 0 {
			ignore = nil
		}
		if in.contexts[n], err = files.Open(c.Path, ignore); err != nil {
			return nil, backend.Sourcef(nil, "%v", err)
		}
	}
	return in.contexts[n], nil
}

// isContext tells files of the user from those of images.
func isContext(in *irv1.Input) bool { return in.GetKind() == irv1.InputKind_INPUT_KIND_CONTEXT }

// tree returns the files of an input.
func (b *builder) tree(in *irv1.Input) (*files.Tree, error) {
	if isContext(in) {
		return b.inputs.context(in.Index)
	}
	layer, err := b.layerOf(in)
	if err != nil {
		return nil, err
	}
	return b.layerTree(layer)
}

func (b *builder) layerTree(layer string) (*files.Tree, error) {
	if err := b.inputs.need(layer); err != nil {
		return nil, err
	}
	return b.Store.Tree(layer)
}

// keyOf adds what a step reads of an input: of a context the files at the
// paths that find returns, of anything else its layer.
func (b *builder) keyOf(k *key, in *irv1.Input, find func(*files.Tree) ([]string, error)) error {
	if !isContext(in) {
		layer, err := b.layerOf(in)
		k.add("layer", layer)
		return err
	}
	tree, err := b.inputs.context(in.Index)
	if err != nil {
		return err
	}
	paths, err := find(tree)
	if err != nil {
		return err
	}
	digest, err := tree.Digest(paths...)
	k.add("files", digest)
	return err
}

// folder makes a new folder of the job, on disk or in memory.
func (b *builder) folder(in string) (string, error) {
	b.serial++
	dir := filepath.Join(in, strconv.Itoa(b.serial))
	return dir, os.MkdirAll(dir, 0o755)
}
