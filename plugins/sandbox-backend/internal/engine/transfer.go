// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/layer"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/state"
	"github.com/zlayer/zlayer/plugins/sandbox-backend/internal/transfer"
	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
)

// makeDir is WORKDIR.
type makeDir struct {
	common
	step *irv1.MakeDir
}

func (m *makeDir) prepare(context.Context) error { return nil }

func (m *makeDir) key(_ context.Context, _ bool) (string, error) {
	k := newKey("make-dir", m.platform).add(m.at.id)
	err := k.message(m.step)
	return k.String(), err
}

func (m *makeDir) run(ctx context.Context) (state.Made, error) {
	onto, err := m.at.tree(ctx)
	if err != nil {
		return state.Made{}, err
	}
	entries, err := transfer.PlanDir(m.step, view(onto))
	if err != nil {
		return state.Made{}, err
	}
	return m.put(ctx, entries)
}

// put makes a layer of entries.
func (w *work) put(ctx context.Context, entries []layer.Entry) (state.Made, error) {
	if err := ctx.Err(); err != nil {
		return state.Made{}, err
	}
	l, err := w.State.Layers.Put(entries)
	if l == nil || err != nil {
		return state.Made{}, err
	}
	return state.Made{Layer: l.Digest, Size: l.Size}, nil
}

// copyFiles is COPY or ADD.
type copyFiles struct {
	common
	step *irv1.Transfer
	// where is the instruction in the source.
	where *diagv1.Range
	// remotes are the sources that were fetched, by their text.
	remotes *remotes
	// local is the digest of the files of a context; it is made once.
	local string
}

// reads says whether the step reads files of its input.
func (c *copyFiles) reads() bool { return len(transfer.Local(c.step)) > 0 }

func (c *copyFiles) prepare(ctx context.Context) error {
	if !c.reads() || !isTree(c.step.From) {
		return nil
	}
	_, err := c.point(ctx, c.step.From)
	return err
}

func (c *copyFiles) key(ctx context.Context, exact bool) (string, error) {
	k := newKey("transfer", c.platform)
	step := c.step.CloneVT()
	step.From = nil // an index; what it stands for is added below
	if err := k.message(step); err != nil {
		return "", err
	}
	if err := c.keyOnto(ctx, k, exact); err != nil {
		return "", err
	}
	if c.reads() {
		if err := c.keyOf(ctx, k, c.step.From, exact, c.digest); err != nil {
			return "", err
		}
	}
	if err := c.fetch(ctx, c.pinned()); err != nil {
		return "", err
	}
	return k.add(c.remotes.digests()...).String(), nil
}

// keyOnto adds what the step depends on of the tree that it goes onto. With
// --link that is only who the names of --chown are.
func (c *copyFiles) keyOnto(ctx context.Context, k *key, exact bool) error {
	switch {
	case c.step.Link && !named(c.step.Chown):
		return nil
	case !c.step.Link, !exact:
		k.add("onto", c.at.id)
		return nil
	}
	onto, err := c.at.tree(ctx)
	if err != nil {
		return err
	}
	for _, name := range []string{"etc/passwd", "etc/group"} {
		digest, err := view(onto).Digest(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		k.add(name, digest)
	}
	return nil
}

// named says whether an owner is given by name.
func named(chown string) bool { return strings.Trim(chown, "0123456789:") != "" }

func (c *copyFiles) digest(from transfer.Files) (string, error) {
	if c.local != "" && isContext(c.step.From) {
		return c.local, nil
	}
	local, idle, err := transfer.Digest(c.step, from)
	if err != nil {
		return "", err
	}
	c.local = local
	for _, source := range idle {
		c.warn(source)
	}
	return local, nil
}

// warn reports a pattern that matches nothing.
func (c *copyFiles) warn(source string) {
	d := diag.Warning(c.where, "copy-matches-nothing", fmt.Sprintf("no file matches the source %q, so it copies nothing", source))
	d.Help = "if a file should match, check the pattern, and what the ignore file leaves out"
	c.Job.Warn(c.ref, backend.At("", d))
}

func (c *copyFiles) run(ctx context.Context) (made state.Made, err error) {
	onto, err := c.at.tree(ctx)
	if err != nil {
		return state.Made{}, err
	}
	job := transfer.Job{Step: c.step, Onto: view(onto)}
	if c.reads() {
		from, err := c.files(ctx, c.step.From)
		if err != nil {
			return state.Made{}, err
		}
		job.From = until{from, ctx}
	}
	if err := c.fetch(ctx, false); err != nil {
		return state.Made{}, err
	}
	job.Remotes = c.remotes.files(ctx)
	if job.Temp, err = c.folder(); err != nil {
		return state.Made{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(job.Temp)) }()
	entries, err := transfer.Plan(job)
	if err != nil {
		return state.Made{}, err
	}
	return c.put(ctx, entries)
}
