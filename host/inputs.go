// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/zlayer/zlayer/host/internal/keys"
	"github.com/zlayer/zlayer/sdk/buildctx"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/backendv1"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
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
	dir := b.request.Context.Folder
	buildFile := b.request.Source.Path
	if name != "" {
		dir, buildFile = b.request.Contexts[name].Folder, ""
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	ignore, err := ignoreRules(b.resolved.Build, dir, buildFile)
	if err != nil {
		return &InputError{Message: "cannot use the ignore file of " + dir, Help: "correct or rename it", Err: err}
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

// ignoreRules returns what of a context a build does not see. A language's
// tool sees the whole project, whatever an ignore file says; only what the
// build itself writes there, and the repository's own files, do not count.
func ignoreRules(b *irv1.ResolvedBuild, dir, buildFile string) (*buildctx.Ignore, error) {
	wasm := b.GetWasm()
	if wasm == nil {
		return buildctx.FindIgnore(dir, buildFile)
	}
	rules := []string{".git"}
	if wasm.GetOutput() != "" {
		rules = append(rules, wasm.GetOutput())
	}
	return buildctx.NewIgnore(rules)
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
// What is missing is a *SourceError at the step that names it.
func (in *inputs) digests(files []diag.File) ([]keys.Input, error) {
	var list []keys.Input
	for _, read := range in.reads {
		digest, err := in.digest(read)
		if err != nil {
			return nil, inputError(read, files, err)
		}
		list = append(list, keys.Input{Context: read.Context, Paths: read.Paths, Digest: digest})
	}
	return list, nil
}

func (in *inputs) digest(read ir.Input) (string, error) {
	paths, err := in.expand(read)
	if err != nil {
		return "", err
	}
	return in.contexts[read.Context].Digest(paths...)
}

// inputError says which step names what cannot be read. What is not there is a
// mistake in the build file; the rest is a matter of the machine.
func inputError(read ir.Input, files []diag.File, err error) error {
	at := read.Range
	switch file := int(at.GetFile()); {
	case at.GetLine() == 0 || file >= len(files):
		return &InputError{Message: "cannot read what the build needs", Err: err}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ELOOP):
		return &SourceError{Files: files, Diagnostics: []*diagv1.Diagnostic{missingSource(at, err)}}
	default:
		return &InputError{Message: fmt.Sprintf("%s:%d: cannot read what this step needs", files[file].Name, at.GetLine()), Err: err}
	}
}

// missingSource is the finding about a source that is not in the context.
func missingSource(at *diagv1.Range, err error) *diagv1.Diagnostic {
	d := diag.Error(at, "missing-source", err.Error())
	var excluded *buildctx.ExcludedError
	if !errors.As(err, &excluded) { // that one says what to do
		d.Help = "sources are relative to the root of the build context, and links do not lead out of it"
	}
	return d
}

// expand returns the paths that are read: what globs match counts, and that
// they match nothing else. A path without wildcards must exist.
func (in *inputs) expand(read ir.Input) ([]string, error) {
	if !read.Glob {
		return read.Paths, nil
	}
	c := in.contexts[read.Context]
	glob := c.Glob
	if read.Deep {
		glob = c.GlobDeep
	}
	var paths []string
	for _, pattern := range read.Paths {
		found, err := glob(pattern)
		if err == nil && len(found) == 0 && !strings.ContainsAny(pattern, wildcards) {
			_, err = c.Resolve(pattern)
		}
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return paths, nil
}

// wildcards are the characters that make a pattern of a source.
const wildcards = `*?[\\`

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
