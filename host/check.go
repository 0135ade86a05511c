// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/zlayer/zlayer/host/internal/store"
	"github.com/zlayer/zlayer/host/internal/wasmrun"
	"github.com/zlayer/zlayer/sdk/diag"
	"github.com/zlayer/zlayer/sdk/gen/diagv1"
	"github.com/zlayer/zlayer/sdk/gen/frontendv1"
	"github.com/zlayer/zlayer/sdk/ir"
	"github.com/zlayer/zlayer/sdk/manifest"
)

// Check has a frontend say what a build file means and what is wrong with it.
// No backend is started and no network is used. Mistakes in the file are not
// an error but diagnostics. What the frontend needs besides is read from the
// folder of the file.
func (h *Host) Check(ctx context.Context, s Source) (*Checked, error) {
	dir := ""
	if s.Path != "" {
		dir = filepath.Dir(s.Path)
	}
	return h.check(ctx, s, dir)
}

// check is Check with the folder that needs are read from; "" for none.
func (h *Host) check(ctx context.Context, s Source, dir string) (*Checked, error) {
	if len(s.Content) > MaxSource {
		return nil, &InputError{
			Message: fmt.Sprintf("%s is larger than %d MiB", s.Name, MaxSource>>20),
			Help:    "a build file is text written by people; is this the right file?",
		}
	}
	if err := h.drifted(); err != nil {
		return nil, err
	}
	plugin, warning, err := h.frontend(s)
	if err != nil {
		return nil, err
	}
	request := &frontendv1.ParseRequest{Name: s.Name, Content: s.Content, Tokens: s.Tokens}
	response, err := h.parse(ctx, plugin, request, dir)
	if err != nil {
		return nil, err
	}
	if err := acceptable(response); err != nil {
		return nil, &PluginError{ID: plugin.ID, Message: "it answered with a build that is not valid", Help: "report this to the plugin's author", Err: err}
	}
	checked := &Checked{
		Frontend: plugin.ID, Build: response.GetBuild(), Diagnostics: response.GetDiagnostics(),
		Symbols: response.GetSymbols(), Tokens: response.GetTokens(), Files: files(s, response, request.Files),
	}
	if warning == nil && diag.HasErrors(checked.Diagnostics) {
		warning = h.unclaimed(s)
	}
	if warning != nil {
		checked.Diagnostics = append([]*diagv1.Diagnostic{warning}, checked.Diagnostics...)
	}
	return checked, nil
}

// unclaimed explains the errors of a file that perhaps never was a build file;
// nil when its frontend was no guess.
func (h *Host) unclaimed(s Source) *diagv1.Diagnostic {
	name := filepath.Base(s.Name)
	if s.Path == "" || s.Frontend != "" || h.plugins.ForFile(name) != nil {
		return nil
	}
	if syntax, _, _ := syntax(s.Content); syntax != "" {
		return nil
	}
	return &diagv1.Diagnostic{
		Severity: diagv1.Severity_SEVERITY_INFO, Code: "unclaimed-name",
		Message: fmt.Sprintf("no installed frontend claims the name %q, so it is read as a %s", name, defaultName),
		Help:    "zlayer plugin add installs a frontend for it; -z reads a file as a ZImagefile whatever its name",
	}
}

// defaultName is the file name whose frontend reads what nobody claims, as
// docker build reads any file as a Dockerfile.
const defaultName = "Dockerfile"

// frontend chooses who understands a source. The warning is about a
// "# syntax=" that nobody claims.
func (h *Host) frontend(s Source) (p *store.Plugin, warning *diagv1.Diagnostic, err error) {
	if s.Frontend != "" {
		return h.named(s.Frontend), nil, h.problem(s.Frontend)
	}
	if name, start, end := syntax(s.Content); name != "" {
		if p := h.plugins.ForSyntax(name); p != nil {
			return p, nil, h.problem(p.ID)
		}
		warning = diag.Warning(diag.NewMapper(s.Content).Range(start, end), "unclaimed-syntax",
			fmt.Sprintf("no installed frontend claims the syntax %q", name))
		warning.Help = "the frontend for the file's name is used; nothing is fetched"
	}
	for _, name := range []string{filepath.Base(s.Name), defaultName} {
		if p := h.plugins.ForFile(name); p != nil {
			return p, warning, h.problem(p.ID)
		}
	}
	return nil, nil, noFrontend(s.Name)
}

// named returns the plugin with an id, or nil.
func (h *Host) named(id string) *store.Plugin { return h.plugins.Get(id) }

// The limits on what a frontend may ask for (SPEC F9).
const (
	maxRounds = 8
	maxFiles  = 1000
)

// parse calls the frontend, answering its needs, until it needs no more.
func (h *Host) parse(ctx context.Context, p *store.Plugin, request *frontendv1.ParseRequest, dir string) (*frontendv1.ParseResponse, error) {
	module, err := h.module(ctx, p)
	if err != nil {
		return nil, err
	}
	for range maxRounds + 1 {
		response, err := module.Parse(ctx, request)
		if err != nil {
			return nil, frontendError(ctx, p, err)
		}
		if len(response.GetNeeds()) == 0 {
			return response, nil
		}
		answers, err := answer(dir, response.GetNeeds())
		if err != nil {
			return nil, err
		}
		request.Files = append(request.Files, answers...)
		if len(request.Files) > maxFiles {
			break
		}
	}
	return nil, &PluginError{ID: p.ID, Message: fmt.Sprintf("it asked for more than %d files or %d times", maxFiles, maxRounds), Help: "report this to the plugin's author"}
}

// module returns a frontend's module, loaded at the first call.
func (h *Host) module(ctx context.Context, p *store.Plugin) (*wasmrun.Module, error) {
	file, digest, err := p.Main()
	if err != nil {
		return nil, &PluginError{ID: p.ID, Message: "it cannot be used", Err: err}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if m := h.modules[file+digest]; m != nil {
		return m, nil
	}
	runner, err := h.wasm()
	if err != nil {
		return nil, err
	}
	m, err := runner.Load(ctx, file, digest)
	if err != nil {
		return nil, frontendError(ctx, p, err)
	}
	h.modules[file+digest] = m
	return m, nil
}

// frontendError makes an error of the runner one of this package.
func frontendError(ctx context.Context, p *store.Plugin, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var (
		failed *wasmrun.Failed
		digest *manifest.ChecksumError
		cache  *wasmrun.CacheError
	)
	switch {
	case errors.As(err, &cache):
		return stateError(err)
	case errors.As(err, &failed):
		return &PluginError{ID: p.ID, Message: failed.Message, Help: failed.Help(), Stderr: failed.Stderr, Err: failed.Err}
	case errors.As(err, &digest):
		return tampered(p, digest.Path, digest.Want, digest.Got)
	}
	return &PluginError{ID: p.ID, Message: "the frontend cannot be run", Err: err}
}

// acceptable checks what a frontend answered. A build with errors is
// incomplete, so only a good one must be valid.
func acceptable(r *frontendv1.ParseResponse) error {
	for _, d := range r.GetDiagnostics() {
		if d.GetSeverity() == 0 || d.GetCode() == "" {
			return errors.New("a diagnostic without severity or code")
		}
	}
	if diag.HasErrors(r.GetDiagnostics()) {
		return nil
	}
	if r.GetBuild() == nil {
		return errors.New("neither a build nor an error")
	}
	return ir.Validate(r.GetBuild())
}

// files lists the files that ranges of a response point into.
func files(s Source, r *frontendv1.ParseResponse, read []*frontendv1.File) []diag.File {
	list := []diag.File{{Name: s.Name, Content: s.Content}}
	names := r.GetBuild().GetFiles()
	for _, name := range names[min(1, len(names)):] {
		f := diag.File{Name: name}
		for _, answer := range read {
			if answer.GetPath() == name {
				f.Content = answer.GetContent()
			}
		}
		list = append(list, f)
	}
	return list
}

// readContained reads a file inside a folder; nil when it cannot.
func readContained(dir, name string) []byte {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil
	}
	defer root.Close()
	data, err := root.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return nil
	}
	return data
}
