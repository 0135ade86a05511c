// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/driver"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/store"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/tree"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
)

// point is a place in a build: the tree after a step. The tree itself is made
// when somebody looks at it, which in a build that has nothing to do is never.
type point struct {
	// id identifies the tree: a digest of all layers below.
	id string
	// below is the point before; nil at the bottom: scratch or an image.
	below *point
	// made is the layer that ref made.
	made state.Made
	ref  *backendv1.StepRef

	once sync.Once
	load func() (driver.Chain, error)
	// chain and err are what load returned.
	chain driver.Chain
	err   error
}

// empty is the chain without layers.
func empty() driver.Chain { return driver.Chain{Tree: tree.Empty()} }

// scratch returns the point before the first layer.
func scratch() *point {
	return &point{id: "scratch", load: func() (driver.Chain, error) { return empty(), nil }}
}

// tree returns the layers of the point, and what they add up to.
func (p *point) tree(ctx context.Context) (driver.Chain, error) { return await(ctx, p.loaded) }

func (p *point) loaded() (driver.Chain, error) {
	p.once.Do(func() { p.chain, p.err = p.load() })
	return p.chain, p.err
}

// then is the point after a step. A step that changed nothing leads nowhere.
func (p *point) then(made state.Made, ref *backendv1.StepRef, layers *store.Store) *point {
	if made.Layer == "" {
		return p
	}
	sum := sha256.Sum256([]byte(p.id + " " + made.Layer))
	next := &point{id: hex.EncodeToString(sum[:]), below: p, made: made, ref: ref}
	next.load = func() (driver.Chain, error) {
		below, err := p.loaded()
		if err != nil {
			return driver.Chain{}, err
		}
		return stack(below, made.Layer, layers)
	}
	return next
}

// stack puts a layer of the store onto a chain.
func stack(below driver.Chain, digest string, layers *store.Store) (driver.Chain, error) {
	src, ok, err := layers.Source(digest)
	if err == nil && !ok {
		err = errors.New("it is not in the store any more")
	}
	if err != nil {
		return driver.Chain{}, fmt.Errorf("reading layer %s: %w", digest, err)
	}
	t, err := below.Tree.Apply(src.Changes)
	if err != nil {
		return driver.Chain{}, fmt.Errorf("applying layer %s: %w", digest, err)
	}
	return driver.Chain{Tree: t, Layers: append(slices.Clip(below.Layers), src)}, nil
}

// layers lists the points with layers above the bottom, the lowest first.
func (p *point) layers() []*point {
	var list []*point
	for at := p; at.below != nil; at = at.below {
		list = append(list, at)
	}
	slices.Reverse(list)
	return list
}
