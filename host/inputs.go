// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/irv1"
	"github.com/zlayer/zlayer/sdk/ir"
)

// inputs are the local contexts of a build and what it reads of them.
type inputs struct {
	contexts []*buildctx.Context
	memos    []*buildctx.Memo
	reads    []ir.Input
}

// openInputs opens the folders of the contexts a build uses, each with its
// ignore file.
func openInputs(b *build) (*inputs, error) {
	in := &inputs{reads: ir.Inputs(b.resolved.Build)}
	for _, name := range contextNames(b.resolved.Build) {
		if err := in.open(b, name); err != nil {
			in.Close()
			return nil, err
		}
	}
	return in, nil
}

// contextNames lists the contexts of a build; a wasm build has the main one.
func contextNames(b *irv1.ResolvedBuild) []string {
	if c := b.GetContainer(); c != nil {
		return c.GetContexts()
	}
	return []string{""}
}

func (in *inputs) open(b *build, name string) error {
	dir := b.request.Context
	buildFile := b.request.Source.Path
	if name != "" {
		dir, buildFile = b.request.Contexts[name], ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	ignore, err := buildctx.FindIgnore(dir, buildFile)
	if err != nil {
		return &InputError{Message: "cannot use the ignore file of " + dir, Err: err}
	}
	memo, err := b.host.memo(dir)
	if err != nil {
		return err
	}
	c, err := buildctx.Open(dir, buildctx.Options{Ignore: ignore, Memo: memo})
	if err != nil {
		return &InputError{Message: "cannot use the build context", Err: err}
	}
	in.contexts, in.memos = append(in.contexts, c), append(in.memos, memo)
	return nil
}

// memo returns the remembered digests of a folder's files.
func (h *Host) memo(dir string) (*buildctx.Memo, error) {
	state, err := h.makeDir("contexts")
	if err != nil {
		return nil, err
	}
	return buildctx.LoadMemo(filepath.Join(state, keys.Key(dir))), nil
}

// Close closes the folders and keeps what was learned about their files. A
// memo that cannot be written costs time, nothing else.
func (in *inputs) Close() error {
	var errs []error
	for i, c := range in.contexts {
		_ = in.memos[i].Save()
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// digests returns the digest of everything the build reads from its contexts.
func (in *inputs) digests() ([]keys.Input, error) {
	var list []keys.Input
	for _, read := range in.reads {
		digest, err := in.contexts[read.Context].Digest(read.Paths...)
		if err != nil {
			return nil, err
		}
		list = append(list, keys.Input{Context: read.Context, Paths: read.Paths, Digest: digest})
	}
	return list, nil
}

// same says whether everything is as it was.
func (in *inputs) same(before []keys.Input) bool {
	now, err := in.digests()
	return err == nil && slices.EqualFunc(now, before, func(a, b keys.Input) bool {
		return a.Context == b.Context && a.Digest == b.Digest && slices.Equal(a.Paths, b.Paths)
	})
}

// messages returns the contexts for a backend.
func (in *inputs) messages() []*backendv1.Context {
	var list []*backendv1.Context
	for _, c := range in.contexts {
		list = append(list, &backendv1.Context{Path: c.Dir(), Ignore: c.Ignore().Patterns()})
	}
	return list
}

// hexOf returns the hexadecimal part of a digest.
func hexOf(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex
}
