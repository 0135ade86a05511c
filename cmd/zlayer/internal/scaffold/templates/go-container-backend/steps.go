// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/zlayer/zlayer/sdk/backend"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/passwd"
	"github.com/zlayer/zlayer/sdk/toolchain/shelf"
)

// step does one step. What goes wrong in it is the user's: a file that is
// missing, or in the way.
func (b *build) step(ctx context.Context, s *stage, ref *backendv1.StepRef, step *irv1.ResolvedStep) error {
	l := &layer{tree: s.files, changed: map[string]bool{}}
	var wrong error
	switch op := step.GetOp().(type) {
	case *irv1.ResolvedStep_Transfer:
		from, err := b.input(ctx, op.Transfer.GetFrom())
		if err != nil {
			return err
		}
		wrong = copyFiles(l, from, op.Transfer)
	case *irv1.ResolvedStep_MakeDir:
		wrong = makeDir(l, op.MakeDir)
	}
	if wrong != nil {
		return backend.Sourcef(ref, "%v", wrong)
	}
	return b.keep(ctx, s, ref, l)
}

// keep writes the changes of a step as a layer of its stage, if there are any.
func (b *build) keep(ctx context.Context, s *stage, ref *backendv1.StepRef, l *layer) error {
	if len(l.changed) == 0 {
		return ctx.Err()
	}
	name := filepath.Join(b.dir, "new")
	if err := l.write(ctx, name); err != nil {
		return err
	}
	digest, size, err := shelf.Shelf{Dir: b.dir}.Put(name)
	s.layers = append(s.layers, &backendv1.Blob{Digest: digest, Size: size, Ref: ref})
	return err
}

// makeDir is WORKDIR.
func makeDir(l *layer, d *irv1.MakeDir) error {
	at, err := l.follow(d.GetPath())
	if err != nil {
		return err
	}
	uid, gid, err := passwd.Owner(l.read, d.GetOwner())
	if err != nil {
		return err
	}
	made := folder()
	made.Uid, made.Gid = int(uid), int(gid)
	return l.mkdir(at, made)
}

// copyFiles is COPY.
func copyFiles(l *layer, from tree, t *irv1.Transfer) error {
	to, err := l.follow(t.GetDestination())
	if err != nil {
		return fmt.Errorf("%s: %w", t.GetDestination(), err)
	}
	c := &copying{layer: l, from: from, to: to, into: strings.HasSuffix(t.GetDestination(), "/")}
	for _, source := range t.GetSources() {
		names, err := c.find(source)
		if err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		for _, name := range names {
			if err := c.source(name); err != nil {
				return fmt.Errorf("%s: %w", source, err)
			}
		}
	}
	return nil
}

// copying is one COPY.
type copying struct {
	*layer
	from tree
	to   string
	into bool // the destination is a folder, also when it is not there
}

var errMissing = errors.New("it is not there")

// find returns the paths that a source names.
func (c *copying) find(source string) ([]string, error) {
	s, err := buildctx.ParseSource(source)
	if err != nil {
		return nil, err
	}
	base, err := c.from.follow(s.Base)
	if err != nil {
		return nil, err
	}
	if c.from[base] == nil {
		return nil, errMissing
	}
	if !s.IsPattern() {
		return []string{s.Base}, nil
	}
	var names []string
	for _, name := range c.from.below(base) {
		if hit, _ := s.Match(relative(base, name)); hit {
			names = append(names, name)
		}
	}
	return names, nil
}

// source copies a file, or what is in a folder.
func (c *copying) source(name string) error {
	at, err := c.from.follow(name)
	if err != nil {
		return err
	}
	f := c.from[at]
	switch {
	case f == nil:
		return errMissing
	case !f.isDir():
		return c.one(path.Base(name), f.alone())
	}
	if err := c.mkdir(c.to, folder()); err != nil {
		return err
	}
	if c.changed[c.to] { // it was made here, and stands for the source
		made := folder()
		made.ModTime = f.ModTime
		c.tree[c.to] = made
	}
	copies := map[*file]*file{} // names that are one file stay so
	for _, below := range c.from.below(at) {
		f := c.from[below]
		if copies[f] == nil {
			copies[f] = f.alone()
		}
		if err := c.put(path.Join(c.to, relative(at, below)), copies[f]); err != nil {
			return err
		}
	}
	return nil
}

// one copies a file to the destination, or into it under its name.
func (c *copying) one(name string, f *file) error {
	to := c.to
	if c.into || c.tree[to].isDir() {
		to = path.Join(to, name)
	}
	to, err := c.follow(to)
	if err != nil {
		return err
	}
	if err := c.mkdir(parent(to), folder()); err != nil {
		return err
	}
	return c.put(to, f)
}
